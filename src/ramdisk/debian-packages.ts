import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ProgramFailed, runProgram } from '../programs/run-program.ts'

/** One .deb of the host's own suite, as APT would fetch it for a machine of the cache's architecture. */
export type DebianPackage = {
  name: string
  version: string
  /** As APT names it in its archive: `kmod_30+20221128-1_amd64.deb`. */
  fileName: string
  sizeBytes: number
  /** Of the file, with its algorithm, `SHA256:3d3f…`: what it is cached under. */
  digest: string
}

export type PackageCache = {
  /** Holds apt/ARCHITECTURE (private APT state), debs/ and packages/DIGEST (unpacked). */
  directory: string
  /** Debian's name for that of the packages, `amd64`. */
  architecture: string
  signal?: AbortSignal | undefined
}

const listsMaximumAgeMs = 24 * 3600_000

/**
 * The packages and all they depend on, by APT's own solver on an empty system, so that what is installed here does not
 * matter. Uses the host's package lists, and fetches lists of its own (without root) where those are missing, stale, or for
 * another architecture; the host need not know it (`dpkg --add-architecture`).
 */
export async function resolvePackages(cache: PackageCache, names: readonly string[]): Promise<DebianPackage[]> {
  await mkdir(join(aptDirectory(cache), 'archives', 'partial'), { recursive: true })
  if (await hasOldLists(cache)) await updateLists(cache).catch(orWithoutNetwork)
  const solve = ['install', '--print-uris', '-qq', '--no-install-recommends', ...names]
  try {
    return parsePrintUris(await askApt(cache, 'apt-get', solve))
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error
  }
  await updateLists(cache)
  return parsePrintUris(await askApt(cache, 'apt-get', solve))
}

/** Exactly these packages, without what they depend on. APT must know each of them. */
export async function locatePackages(cache: PackageCache, names: readonly string[]): Promise<DebianPackage[]> {
  return parsePrintUris(await askApt(cache, 'apt-get', ['download', '--print-uris', '-qq', ...names]))
}

/** Names of packages of the APT sources. */
export async function knownPackageNames(cache: PackageCache, prefix: string): Promise<string[]> {
  return (await askApt(cache, 'apt-cache', ['pkgnames', prefix])).split('\n').filter(Boolean)
}

/** Lines of `'URI' FILE SIZE ALGORITHM:DIGEST`. */
export function parsePrintUris(text: string): DebianPackage[] {
  const packages: DebianPackage[] = []
  for (const line of text.split('\n')) {
    const match = /^'[^']+' (\S+) (\d+) (\S+:[0-9a-f]+)$/.exec(line)
    if (!match) continue
    const [name = '', version = ''] = match[1]!.split('_')
    packages.push({
      name,
      version: decodeURIComponent(version),
      fileName: match[1]!,
      sizeBytes: Number(match[2]),
      digest: match[3]!,
    })
  }
  return packages
}

/** Downloads what the cache lacks (APT verifies size and digest) and unpacks it; returns each package's directory. */
export async function unpackPackages(
  cache: PackageCache,
  packages: readonly DebianPackage[],
  onProgress: (message: string) => void,
): Promise<Map<string, string>> {
  const directories = new Map(packages.map((each) => [each.name, unpackedDirectory(cache, each)]))
  const missing: DebianPackage[] = []
  for (const each of packages) if (!(await exists(unpackedDirectory(cache, each)))) missing.push(each)
  if (missing.length === 0) return directories
  const megabytes = missing.reduce((sum, each) => sum + each.sizeBytes, 0) / 1e6
  onProgress(`downloading ${missing.length} Debian packages, ${megabytes.toFixed(1)} MB`)
  const debs = join(cache.directory, 'debs')
  await mkdir(debs, { recursive: true })
  await download(cache, debs, missing)
  onProgress(`unpacking ${missing.length} Debian packages`)
  for (const each of missing) await unpack(cache, debs, each)
  return directories
}

async function download(cache: PackageCache, debs: string, packages: readonly DebianPackage[]): Promise<void> {
  const wanted = packages.map((each) => `${each.name}=${each.version}`)
  try {
    await runApt(cache, 'apt-get', ['download', '-qq', ...wanted], debs)
  } catch (error) {
    // A mirror drops superseded versions: one more try with fresh lists tells a stale list from a broken network.
    if (!(error instanceof ProgramFailed) || (await hasOwnLists(cache))) throw error
    await updateLists(cache)
    await runApt(cache, 'apt-get', ['download', '-qq', ...wanted], debs)
  }
}

async function unpack(cache: PackageCache, debs: string, each: DebianPackage): Promise<void> {
  const target = unpackedDirectory(cache, each)
  const aside = `${target}.${process.pid}`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { recursive: true })
  const deb = join(debs, await fileOf(debs, each))
  await runProgram('dpkg-deb', ['-x', deb, aside], { signal: cache.signal, timeoutMs: 300_000 })
  await rename(aside, target).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    await rm(aside, { recursive: true, force: true }) // another build was quicker; it made the same
  })
  await rm(deb, { force: true })
}

/** APT's `download` and `--print-uris` may escape the colon of an epoch differently. */
async function fileOf(debs: string, each: DebianPackage): Promise<string> {
  const names = await readdir(debs)
  const found = names.find((name) => decodeURIComponent(name) === decodeURIComponent(each.fileName))
  return found ?? basename(each.fileName)
}

function unpackedDirectory(cache: PackageCache, each: DebianPackage): string {
  return join(cache.directory, 'packages', `${each.name}-${each.digest.split(':')[1]!.slice(0, 32)}`)
}

/** An answer that depends on APT's lists alone is kept until these change: the solver takes seconds. */
async function askApt(cache: PackageCache, program: 'apt-get' | 'apt-cache', question: string[]): Promise<string> {
  const lists = (await hasOwnLists(cache)) ? join(aptDirectory(cache), 'lists') : '/var/lib/apt/lists'
  const state: unknown[] = []
  for (const name of (await readdir(lists)).sort()) {
    const { size, mtimeMs } = await stat(join(lists, name))
    state.push([name, size, mtimeMs])
  }
  const key = createHash('sha256')
    .update(JSON.stringify([question, state]))
    .digest('hex')
  const path = join(aptDirectory(cache), `answer-${key.slice(0, 32)}`)
  const kept = await readFile(path, 'utf8').catch(() => undefined)
  if (kept !== undefined) return kept
  const answer = await runApt(cache, program, question)
  await writeFile(`${path}.${process.pid}`, answer)
  await rename(`${path}.${process.pid}`, path)
  return answer
}

async function runApt(
  cache: PackageCache,
  program: 'apt-get' | 'apt-cache',
  aptArguments: string[],
  directory?: string,
): Promise<string> {
  const settings = await aptSettings(cache)
  return runProgram(program, [...settings.flatMap((setting) => ['-o', setting]), ...aptArguments], {
    timeoutMs: 900_000,
    signal: cache.signal,
    ...(directory === undefined ? {} : { directory }),
  })
}

async function aptSettings(cache: PackageCache): Promise<string[]> {
  const apt = aptDirectory(cache)
  const ownLists = (await hasOwnLists(cache)) ? [`Dir::State=${apt}`, `Dir::State::lists=${join(apt, 'lists')}/`] : []
  return [
    `APT::Architecture=${cache.architecture}`,
    `APT::Architectures=${cache.architecture}`, // of the host it may have others
    'Acquire::ForceHash=SHA256',
    // The _apt user may not reach a cache in a home directory; what is fetched is checked by digest anyway.
    'APT::Sandbox::User=root',
    `Dir::Cache=${apt}`,
    `Dir::Cache::archives=${join(apt, 'archives')}/`,
    'Debug::NoLocking=true',
    ...ownLists,
    'Dir::State::status=/dev/null',
  ]
}

async function updateLists(cache: PackageCache): Promise<void> {
  await mkdir(join(aptDirectory(cache), 'lists', 'partial'), { recursive: true })
  await runApt(cache, 'apt-get', ['update', '-qq'])
  await writeFile(updatedFile(cache), '')
}

function hasOwnLists(cache: PackageCache): Promise<boolean> {
  return exists(join(aptDirectory(cache), 'lists'))
}

/** The host's lists are kept fresh by the host; those of our own we keep ourselves. */
async function hasOldLists(cache: PackageCache): Promise<boolean> {
  if (!(await hasOwnLists(cache))) return false
  const updated = await stat(updatedFile(cache)).catch(() => undefined)
  return updated === undefined || Date.now() - updated.mtimeMs > listsMaximumAgeMs
}

/** Old lists are better than none; what a mirror no longer has is told when it is fetched. */
function orWithoutNetwork(error: unknown): void {
  if (!(error instanceof ProgramFailed)) throw error
}

function aptDirectory(cache: PackageCache): string {
  return join(cache.directory, 'apt', cache.architecture)
}

/** Its time is that of the last update of our own lists. */
function updatedFile(cache: PackageCache): string {
  return join(aptDirectory(cache), 'updated')
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
