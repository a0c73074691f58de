import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Repository } from '../repository.ts'
import { isId } from '../repository-layout.ts'
import { withRepositoryLock } from '../store/repository-lock.ts'

/** What durable-file.ts writes aside before it renames it; after this long its writer does not live any more. */
const asidePattern = /^\..+\.[0-9a-f]{12}$/
const asideMs = 60 * 60 * 1000

/** Removes what killed processes left behind outside their staging directories. Gives the files' names. */
export async function removeLeftovers(repository: Repository): Promise<string[]> {
  const { directory } = repository
  const removed: string[] = []
  await withRepositoryLock(repository, async () => {
    for (const file of await findLeftovers(directory)) {
      await rm(path.join(directory, file), { force: true })
      removed.push(file)
    }
  })
  return removed
}

async function findLeftovers(directory: string): Promise<string[]> {
  const packs = await readdir(path.join(directory, 'packs'))
  const found = orphanIndexes(packs)
  for (const name of await asideFilesBelow(directory)) {
    const { mtimeMs } = await stat(path.join(directory, name))
    if (Date.now() - mtimeMs > asideMs) found.push(name)
  }
  return found
}

/** Under the lock an index never comes before its pack. */
function orphanIndexes(names: readonly string[]): string[] {
  const there = new Set(names)
  return names
    .filter((name) => name.endsWith('.index') && isId(name.slice(0, -'.index'.length)))
    .filter((name) => !there.has(name.replace(/index$/, 'pack')))
    .map((name) => `packs/${name}`)
}

async function asideFilesBelow(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const area of ['', 'packs', 'versions', 'tags']) {
    const names = await readdir(path.join(directory, area), { recursive: area !== '' && area !== 'packs' })
    found.push(...names.filter((name) => asidePattern.test(path.basename(name))).map((name) => path.join(area, name)))
  }
  return found
}
