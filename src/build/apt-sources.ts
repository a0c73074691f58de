import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProgramFailed, type RunOptions, runProgram } from '../programs/run-program.ts'
import { BuildUnavailable } from './build-errors.ts'
import type { AptSourceEntry, Recipe } from './recipe.ts'

/** What a mirror has for one suite at this moment, by the digest of its signed InRelease file. */
export type Release = AptSourceEntry & { inReleaseSha256: string; dateSeconds: number }

const aptHelper = '/usr/lib/apt/apt-helper'

/**
 * Where the recipe's packages come from: the recipe's mirrors, or the sources this machine's apt has for its own
 * Debian release, renamed when the recipe asks for another. Throws BuildUnavailable when apt has none.
 */
export async function findAptSources(recipe: Recipe, options: RunOptions): Promise<AptSourceEntry[]> {
  if (recipe.source.mirrors) return recipe.source.mirrors
  const hostSuite = parseCodename(await readFile('/etc/os-release', 'utf8'))
  // The same index is listed once for every architecture and source line: plain lines, then unique ones.
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(SIGNED_BY)'
  const args = ['indextargets', '--format', format, 'Created-By: Packages']
  const stdout = await runProgram('apt-get', args, options)
  const sources = chooseAptSources(stdout, hostSuite, recipe)
  if (sources.length > 0) return sources
  throw new BuildUnavailable([
    `apt on this machine has no Debian source for "${hostSuite}" (component ${components(recipe).join(', ')}); ` +
      'run "apt-get update", or name source.mirrors in the recipe',
  ])
}

/** From the lines of `apt-get indextargets` (URI|suite|component|origin|keyring) to source entries. Pure. */
export function chooseAptSources(indexTargets: string, hostSuite: string, recipe: Recipe): AptSourceEntry[] {
  const wanted = components(recipe)
  const suite = (recipe.source.suite ?? 'host') === 'host' ? hostSuite : recipe.source.suite
  const entries = new Map<string, AptSourceEntry>()
  for (const line of indexTargets.split('\n')) {
    const [uri = '', release = '', component = '', origin = '', keyring = ''] = line.split('|').map(known)
    const [, codename, pocket = ''] = /^([a-z]+)(-updates|-security|\/updates)?\/?$/.exec(release) ?? []
    // A foreign source may bear Debian's suite name; its origin tells, where its index was fetched already.
    if (codename !== hostSuite || !wanted.includes(component) || (origin !== '' && origin !== 'Debian')) continue
    const key = `${uri} ${pocket}`
    const entry = entries.get(key) ?? { uri, suite: `${suite}${pocket}`, components: [] }
    if (!entry.components.includes(component)) entry.components.push(component)
    if (keyring.startsWith('/')) entry.signedBy = keyring
    entries.set(key, entry)
  }
  return [...entries.values()]
}

/** Asks every source for its InRelease, through apt's own proxy and credentials. Throws ProgramFailed. */
export async function readReleases(
  sources: readonly AptSourceEntry[],
  directory: string,
  options: RunOptions,
): Promise<Release[]> {
  const releases: Release[] = []
  for (const [index, source] of sources.entries()) {
    const text = await downloadInRelease(source, join(directory, `InRelease.${index}`), options)
    if (text === undefined) continue
    const date = /^Date: (.+)$/m.exec(text)?.[1]
    const dateSeconds = Math.floor(Date.parse(date ?? '') / 1000)
    if (Number.isNaN(dateSeconds)) {
      throw new ProgramFailed(aptHelper, ['download-file'], `fetched an InRelease of ${source.suite} that has no date`)
    }
    releases.push({ ...source, inReleaseSha256: createHash('sha256').update(text).digest('hex'), dateSeconds })
  }
  return releases
}

/** One-line style, as mmdebstrap reads it on standard input. */
export function formatAptSources(sources: readonly AptSourceEntry[]): string {
  const lines = sources.map((source) => {
    const option = source.signedBy === undefined ? '' : `[signed-by=${source.signedBy}] `
    return `deb ${option}${source.uri} ${source.suite} ${source.components.join(' ')}\n`
  })
  return lines.join('')
}

/** Undefined where a release has no such pocket: testing has no security suite until it is frozen. */
async function downloadInRelease(source: AptSourceEntry, path: string, options: RunOptions) {
  const url = `${source.uri.replace(/\/*$/, '')}/dists/${source.suite}/InRelease`
  try {
    await runProgram(aptHelper, ['-q', 'download-file', url, path], options)
    return await readFile(path, 'utf8')
  } catch (error) {
    const isPocket = /-updates$|-security$|\/updates$/.test(source.suite)
    if (isPocket && error instanceof ProgramFailed && /\b404\b/.test(error.stderr)) return undefined
    throw error
  } finally {
    await rm(path, { force: true })
  }
}

function components(recipe: Recipe): string[] {
  return recipe.source.components ?? ['main']
}

/** apt leaves a name it has no value for as it was written. */
function known(field: string): string {
  return field.startsWith('$(') ? '' : field
}

function parseCodename(osRelease: string): string {
  return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(osRelease)?.[1] ?? 'unknown'
}
