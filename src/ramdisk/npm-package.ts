import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../programs/run-program.ts'

/** An npm package, unpacked. */
export type NpmPackage = { directory: string; version: string }

export type NpmPackageCache = {
  /** Gets npm/NAME-VERSION for packages that were fetched. */
  directory: string
  signal?: AbortSignal | undefined
}

/** A package that cannot be had as the lock file names it. */
export class NpmPackageMissing extends Error {
  override readonly name = 'NpmPackageMissing'
}

type LockEntry = { version: string; integrity: string; cpu: string | string[] }

/**
 * A package of the lock file of `projectDirectory`: from its node_modules, or, where npm left it out there because it is for
 * another processor, fetched by npm, which checks the lock file's hash. Throws NpmPackageMissing, ProgramFailed.
 */
export async function npmPackage(cache: NpmPackageCache, projectDirectory: string, name: string): Promise<NpmPackage> {
  const installed = await readPackage(join(projectDirectory, 'node_modules', name))
  if (installed) return installed
  const entry = await readLockEntry(join(projectDirectory, 'package-lock.json'), name)
  const target = join(cache.directory, 'npm', `${name.replaceAll('/', '+')}-${entry.version}`)
  return (await readPackage(target)) ?? (await fetchPackage({ cache, name, entry, target }))
}

async function readPackage(directory: string): Promise<NpmPackage | undefined> {
  const text = await readFile(join(directory, 'package.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : { directory, version: (JSON.parse(text) as { version: string }).version }
}

async function readLockEntry(path: string, name: string): Promise<LockEntry> {
  const { packages } = JSON.parse(await readFile(path, 'utf8')) as { packages: Record<string, LockEntry> }
  const entry = packages[`node_modules/${name}`]
  if (!entry) throw new NpmPackageMissing(`Cannot fetch the npm package ${name}: ${path} does not name it`)
  return entry
}

type Fetch = { cache: NpmPackageCache; name: string; entry: LockEntry; target: string }

/** A project of its own whose lock file is the one entry; written aside and renamed. */
async function fetchPackage({ cache, name, entry, target }: Fetch): Promise<NpmPackage> {
  const work = `${target}.${process.pid}`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  try {
    // npm takes packages for another processor only where they are optional.
    const project = { optionalDependencies: { [name]: entry.version } }
    const packages = { '': project, [`node_modules/${name}`]: { ...entry, optional: true } }
    await writeFile(join(work, 'package.json'), JSON.stringify(project))
    await writeFile(join(work, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
    const output = await runProgram(
      'npm',
      ['ci', `--cpu=${entry.cpu}`, '--os=linux', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=warn'],
      { directory: work, timeoutMs: 600_000, signal: cache.signal },
    )
    const fetched = join(work, 'node_modules', name)
    // npm passes over an optional package in silence when it cannot be fetched or its hash is another
    if (!(await stat(fetched).catch(() => undefined))) {
      throw new NpmPackageMissing(
        `Cannot fetch the npm package ${name} ${entry.version}: npm found none with the lock file's hash. Try ` +
          `'npm view ${name}@${entry.version}'. npm said: ${output.trim()}`,
      )
    }
    await rename(fetched, target).catch(async (error: NodeJS.ErrnoException) => {
      // Another build was quicker; it fetched the same
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return { directory: target, version: entry.version }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
