import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ProgramFailed } from '../programs/run-program.ts'
import { findAptSources, formatAptSources, type Release, readReleases } from './apt-sources.ts'
import type { BaseVersions } from './base-versions.ts'
import { BuildCache, type BuildResult } from './build-cache.ts'
import { BuildFailed, BuildUnavailable } from './build-errors.ts'
import { type BuildProgress, StepFollower } from './build-steps.ts'
import { hasFirstBoot, packagesOf } from './configuration-lines.ts'
import { prepareFirstBoot } from './first-boot/prepare-first-boot.ts'
import { hostArchitecture } from './host-architecture.ts'
import { runLogged } from './logged-run.ts'
import { chooseMode, mmdebstrapArguments, readAptOptions } from './mmdebstrap.ts'
import type { ReadRecipe } from './read-recipe.ts'
import { hashInputs, hashRecipe } from './recipe-hash.ts'
import { refuseSecrets } from './refuse-secrets.ts'
import { writeStaging } from './write-staging.ts'

export type BuildOptions = {
  cacheDirectory: string
  onProgress?: (progress: BuildProgress) => void
  signal?: AbortSignal
  /** The longest one step of the build may take; 15 minutes where not given. */
  stepTimeoutMs?: number
  /** Builds although the cache has the result. */
  ignoreCache?: boolean
  /** What recipes may build on; without, they begin with nothing. */
  bases?: BaseVersions
  /** A terminal, as /dev/pts/3: where a step inside the system fails a shell waits there before the build ends. */
  shellOnError?: string | undefined
}

const shortTimeoutMs = 60_000
const longestLookMs = 24 * 3600_000

/**
 * Makes a recipe's root filesystem, or finds it in the cache. The key is the recipe, everything it refers to, what it builds
 * on, and what the mirrors offer now. When no mirror can be reached the last build of the same recipe is used, and progress
 * says so. Throws BuildUnavailable, BuildFailed, and what the base's import throws.
 */
export async function buildRecipe(read: ReadRecipe, options: BuildOptions): Promise<BuildResult> {
  const cache = new BuildCache(options.cacheDirectory)
  await cache.open()
  const follower = new StepFollower(options.onProgress ?? (() => {}))
  const base = await baseOf(read, options, follower)
  if (needsPackages(read)) follower.begin('look at the package mirrors')
  const architecture = read.recipe.source.architecture ?? (await hostArchitecture())
  const inputsHash = hashInputs(read, architecture, base)
  const work = await mkdtemp(join(options.cacheDirectory, 'build-'))
  try {
    const releases = needsPackages(read) ? await releasesOrCached(read, work, options, cache, inputsHash, follower) : []
    if (!Array.isArray(releases)) return releases
    const cached = options.ignoreCache ? undefined : await cache.find(hashRecipe(inputsHash, releases))
    if (cached) {
      follower.begin('use the finished build', cached.recipeHash.slice(0, 12))
      return cached
    }
    const built = await runBuild({ read, architecture, inputsHash, releases, work, base }, options, follower)
    const result = await cache.put(built.tarPath, built.result)
    follower.begin('done', `${result.packages.length} packages, ${(result.sizeBytes / 2 ** 20).toFixed(0)} MiB`)
    return result
  } finally {
    // A build that was killed may leave its tree behind; nothing of the host is ever mounted outside its namespace.
    await rm(work, { recursive: true, force: true })
  }
}

/** The version that is built on; undefined for a recipe that begins with nothing. */
async function baseOf({ recipe }: ReadRecipe, { bases }: BuildOptions, follower: StepFollower) {
  const { source, name } = recipe
  if (source.kind === 'mmdebstrap') return undefined
  if (!bases) throw new BuildUnavailable([`${name} builds on ${source.kind}, which needs the store of images`])
  if (source.kind === 'image') {
    follower.begin('look for what it builds on', source.image)
    return bases.resolve(source.image)
  }
  follower.begin('import what it builds on', source.kind)
  return bases.import(source)
}

/** Whether apt is asked for anything. */
function needsPackages({ recipe, configurations }: ReadRecipe): boolean {
  if (recipe.source.kind === 'mmdebstrap') return true
  return (recipe.packages?.length ?? 0) > 0 || packagesOf(configurations).length > 0
}

export type BuildPlan = {
  read: ReadRecipe
  architecture: string
  inputsHash: string
  releases: Release[]
  work: string
  base: string | undefined
}

async function runBuild(plan: BuildPlan, options: BuildOptions, follower: StepFollower) {
  const { read, work, releases } = plan
  const mode = await chooseMode()
  const firstBoot = hasFirstBoot(read) ? await prepareFirstBoot(plan, mode, options.cacheDirectory) : undefined
  const isCompressed = read.recipe.output === 'tar.zst'
  const tarPath = join(work, isCompressed ? 'root.tar.zst' : 'root.tar')
  const stagingDirectory = await writeStaging(read, work)
  const base = await writeBase(plan, options, follower)
  // What a layer adds is as old as its recipe's newest part: nothing says when that was.
  const sourceDateEpochSeconds = Math.max(0, ...releases.map((release) => release.dateSeconds))
  const logPath = join(options.cacheDirectory, `${read.recipe.name}.log`)
  await writeFile(logPath, '', { mode: 0o600 })
  const { shellOnError } = options
  const inputs = {
    ...{ mode, recipe: read.recipe, architecture: plan.architecture, stagingDirectory, tarPath },
    ...{ checkScriptPath: join(work, 'check.sh'), base, needsPackages: needsPackages(read), shellOnError },
    firstBootCommand: firstBoot?.command,
  }
  const aptOptions = await readAptOptions(shortTimeoutMs)
  const suite = releases[0]?.suite.replace(/[-/].*$/, '') ?? ''
  // In a user namespace the tree must stand where that namespace's root may write: /tmp, as mmdebstrap chooses.
  const temporary = mode === 'root' ? { TMPDIR: work } : {}
  const env = { ...process.env, ...temporary, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: String(sourceDateEpochSeconds) }
  try {
    await runLogged('mmdebstrap', mmdebstrapArguments({ ...inputs, aptOptions, suite }), {
      input: formatAptSources(releases),
      env,
      logPath,
      stepTimeoutMs: Math.max(stepTimeoutOf(options), firstBoot?.longestMs ?? 0),
      onLine: (line) => follower.follow(line),
      signal: options.signal,
    })
  } catch (cause) {
    if (!(cause instanceof ProgramFailed)) throw cause
    throw new BuildFailed(read.recipe.name, follower.step, cause.message, logPath, cause)
  }
  follower.begin('check the archive')
  await refuseSecrets(read, tarPath, follower.step, logPath)
  const tarSha256 = await syncAndHash(tarPath)
  // The mirror may have moved on between the look and the download: the name tells what was really used.
  const used = follower.useReleases(releases)
  const result = {
    tarSha256,
    sizeBytes: (await stat(tarPath)).size,
    recipeName: read.recipe.name,
    recipeHash: hashRecipe(plan.inputsHash, used),
    inputsHash: plan.inputsHash,
    sourceDateEpochSeconds,
    packages: follower.packages(),
  }
  return { tarPath, result }
}

/** Who looks at what failed has time. */
function stepTimeoutOf({ shellOnError, stepTimeoutMs = 15 * 60_000 }: BuildOptions): number {
  return shellOnError === undefined ? stepTimeoutMs : longestLookMs
}

/** The mirrors' state, or, when they cannot be reached, the last result of the same inputs. */
async function releasesOrCached(
  read: ReadRecipe,
  work: string,
  options: BuildOptions,
  cache: BuildCache,
  inputsHash: string,
  follower: StepFollower,
): Promise<Release[] | BuildResult> {
  const runOptions = { timeoutMs: shortTimeoutMs, signal: options.signal }
  const sources = await findAptSources(read.recipe, runOptions)
  try {
    return await readReleases(sources, work, runOptions)
  } catch (error) {
    if (!(error instanceof ProgramFailed) || options.signal?.aborted) throw error
    const newest = options.ignoreCache ? undefined : await cache.findNewest(inputsHash)
    if (!newest) {
      throw new BuildFailed(read.recipe.name, follower.step, error.message, 'not begun: no mirror answered', error)
    }
    const builtOn = new Date(newest.sourceDateEpochSeconds * 1000).toISOString().slice(0, 10)
    follower.begin('use the last build', `no mirror can be reached; its packages are those of ${builtOn}`)
    return newest
  }
}

/** Undefined for a recipe that begins with nothing. */
async function writeBase({ base, work }: BuildPlan, { bases }: BuildOptions, follower: StepFollower) {
  if (base === undefined || !bases) return undefined
  const path = join(work, 'base.tar')
  follower.begin('unpack what it builds on', base.slice(0, 12))
  return { tarPath: path, ...(await bases.writeTar(base, path)) }
}

/** On disk before its name is: a crash leaves no archive that looks finished. */
async function syncAndHash(path: string): Promise<string> {
  await using file = await open(path, 'r')
  await file.sync()
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}
