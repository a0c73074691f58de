import { type Dirent, constants as fsConstants } from 'node:fs'
import { open, readdir, readlink, stat } from 'node:fs/promises'
import { type BootTree, lookUpDirectory, type TreePlace } from '../boot/tree.ts'
import { isAbsence, isBelow } from './open-file.ts'

/** `name` of a directory ends in a slash. */
export type ListedEntry = { name: string; sizeBytes?: number; modifiedMs?: number }

/** What a path of the virtual tree has below it, sorted by name; undefined where it is no directory of it. */
export async function listDirectory(tree: BootTree, path: string): Promise<readonly ListedEntry[] | undefined> {
  const directory = lookUpDirectory(tree, path)
  if (!directory) return undefined
  const entries = new Map<string, ListedEntry>()
  let isThere = directory.names.length > 0 || directory.path === ''
  for (const place of directory.places) {
    const listed = await readPlace(place)
    if (listed === undefined) continue
    isThere = true
    for (const entry of listed) if (!entries.has(entry.name)) entries.set(entry.name, entry)
  }
  for (const name of directory.names) if (!entries.has(name)) entries.set(name, { name })
  return isThere ? [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)) : undefined
}

/** Undefined where there is no directory, or a link to one outside of the roots. */
async function readPlace({ file, roots }: TreePlace): Promise<ListedEntry[] | undefined> {
  try {
    const handle = await open(file, fsConstants.O_RDONLY | fsConstants.O_DIRECTORY)
    try {
      const held = `/proc/self/fd/${handle.fd}`
      if (!(await isBelow(await readlink(held), roots))) return undefined
      const entries = await readdir(held, { withFileTypes: true })
      return (await Promise.all(entries.map((entry) => describe(held, entry)))).flatMap((entry) => entry ?? [])
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** Links are shown as what they lead to; those that lead nowhere, and what cannot be sent, are left out. */
async function describe(directory: string, { name }: Dirent): Promise<ListedEntry | undefined> {
  const found = await stat(`${directory}/${name}`).catch(() => undefined)
  if (found?.isDirectory()) return { name: `${name}/`, modifiedMs: found.mtimeMs }
  return found?.isFile() ? { name, sizeBytes: found.size, modifiedMs: found.mtimeMs } : undefined
}

/** The page that a browser shows, and that `wget --recursive` follows. */
export function formatListing(path: string, entries: readonly ListedEntry[]): string {
  const title = `/${path}`.replaceAll(/&|<|>/g, escapeHtml)
  const parent = path === '' ? [] : ['<a href="../">../</a>']
  const lines = [...parent, ...entries.map(formatEntry)].join('\n')
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${title}</title></head>
<body><h1>${title}</h1><pre>\n${lines}\n</pre></body></html>\n`
}

function formatEntry({ name, sizeBytes, modifiedMs }: ListedEntry): string {
  const isDirectory = name.endsWith('/')
  const href = encodeURIComponent(isDirectory ? name.slice(0, -1) : name) + (isDirectory ? '/' : '')
  const shown = name.replaceAll(/&|<|>/g, escapeHtml)
  const when = modifiedMs === undefined ? '' : new Date(modifiedMs).toISOString().slice(0, 16).replace('T', ' ')
  const padding = ' '.repeat(Math.max(1, 50 - name.length))
  return `<a href="./${href}">${shown}</a>${padding}${when.padEnd(16)} ${String(sizeBytes ?? '-').padStart(12)}`
}

function escapeHtml(character: string): string {
  return `&#${character.charCodeAt(0)};`
}
