import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { agentRecipe } from './agent.ts'
import { type DebianPackage, resolvePackages, unpackPackages } from './debian-packages.ts'
import { debianKernel, type Kernel, modulesRecipe, ownKernel } from './kernel.ts'
import { makeSegment, type Segment, type Share } from './segment.ts'
import { type Site, siteRecipe } from './site.ts'
import { findNode, toolPackageNames, toolsRecipe, wantedForTools } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')

export type RamdiskOptions = Site & {
  /** Where packages and packed segments stay between builds; see `defaultCacheDirectory`. */
  cacheDirectory: string
  /** Gets a directory named by the ramdisk's id. */
  outputDirectory: string
  /** Another kernel than Debian's: its bzImage and its `lib/modules/RELEASE`. */
  kernel?: { image: string; modulesDirectory: string }
  /** The program the machine runs; src/agent/main.ts where not given. */
  agentEntry?: string
  onProgress?: (message: string) => void
  signal?: AbortSignal
}

export type RamdiskFile = { file: string; bytes: number; rawBytes: number; sha256: string; shares: Share[] }

/** A ramdisk as it lies in `directory`, servable as /ramdisk/ID/FILE; also what ramdisk.json in it says. */
export type Ramdisk = {
  /** Of the content: equal bytes, equal id. */
  id: string
  directory: string
  kernel: 'vmlinuz'
  /** File names in the order in which the machine must get them. */
  initrds: string[]
  /** Kernel release, `6.1.0-56-amd64`. */
  release: string
  /** The kernel first, then the initrds. */
  files: RamdiskFile[]
  /** Bytes a machine loads: kernel and initrds. */
  totalBytes: number
}

/** `~/.cache/bootwright`, or what XDG_CACHE_HOME says. */
export function defaultCacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bootwright')
}

/**
 * Makes the agent's kernel and initrd from Debian packages, without root. What did not change comes from the cache.
 * Throws ProgramFailed, KernelUnusable, SiteFileUnusable, ToolMissing, LibraryMissing.
 */
export async function buildRamdisk(options: RamdiskOptions): Promise<Ramdisk> {
  const cacheDirectory = join(resolve(options.cacheDirectory), 'ramdisk')
  const workDirectory = join(cacheDirectory, `work-${process.pid}-${Date.now()}`)
  const cache = { directory: cacheDirectory, signal: options.signal }
  const onProgress = options.onProgress ?? (() => {})
  await mkdir(cacheDirectory, { recursive: true })
  try {
    onProgress('resolving Debian packages')
    const packages = await resolvePackages(cache, ['linux-image-amd64', ...toolPackageNames])
    const kernel = options.kernel ? await ownKernel(options.kernel) : await unpackKernel(cache, packages, onProgress)
    const toolPackages = packages.filter(wantedForTools)
    const modulesDirectory = join(root, 'node_modules')
    const recipes = [
      toolsRecipe(
        toolPackages,
        () => unpackPackages(cache, toolPackages, onProgress),
        await findNode(modulesDirectory),
        workDirectory,
      ),
      modulesRecipe(kernel, workDirectory, options.signal),
      await agentRecipe({
        entry: options.agentEntry ?? join(root, 'src/agent/main.ts'),
        nodeModulesDirectory: modulesDirectory,
      }),
      await siteRecipe(options),
    ]
    const segments: Segment[] = []
    for (const recipe of recipes) segments.push(await makeSegment(cache, recipe, onProgress))
    return await publish(kernel, segments, resolve(options.outputDirectory))
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}

async function unpackKernel(
  cache: { directory: string; signal?: AbortSignal | undefined },
  packages: readonly DebianPackage[],
  onProgress: (message: string) => void,
): Promise<Kernel> {
  const image = packages.find((each) => /^linux-image-\d/.test(each.name))!
  const directories = await unpackPackages(cache, [image], onProgress)
  return debianKernel(directories.get(image.name)!, image)
}

/** Puts kernel and segments into outputDirectory/ID, complete or not at all. */
async function publish(kernel: Kernel, segments: readonly Segment[], outputDirectory: string): Promise<Ramdisk> {
  const kernelBytes = (await stat(kernel.image)).size
  const kernelShares = [{ of: 'kernel', files: 1, bytes: kernelBytes }]
  const sources = [
    { file: 'vmlinuz', source: kernel.image, bytes: kernelBytes, rawBytes: kernelBytes, shares: kernelShares },
    ...segments.map((segment) => ({
      file: segment.fileName,
      source: segment.path,
      bytes: segment.packedBytes,
      rawBytes: segment.rawBytes,
      shares: segment.shares,
    })),
  ]
  const files: RamdiskFile[] = []
  for (const { source, ...file } of sources) files.push({ ...file, sha256: await sha256OfFile(source) })
  const id = createHash('sha256')
    .update(files.map((file) => `${file.file} ${file.sha256}\n`).join(''))
    .digest('hex')
    .slice(0, 16)
  const directory = join(outputDirectory, id)
  const ramdisk: Ramdisk = {
    id,
    directory,
    kernel: 'vmlinuz',
    initrds: segments.map((segment) => segment.fileName),
    release: basename(kernel.modulesDirectory),
    files,
    totalBytes: files.reduce((sum, file) => sum + file.bytes, 0),
  }
  if (!(await readRamdisk(directory))) await place(ramdisk, sources)
  return ramdisk
}

async function place(ramdisk: Ramdisk, sources: readonly { file: string; source: string }[]): Promise<void> {
  const aside = `${ramdisk.directory}.${process.pid}`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { recursive: true })
  for (const { file, source } of sources) {
    await link(source, join(aside, file)).catch(() => copyFile(source, join(aside, file)))
  }
  await writeFile(join(aside, 'ramdisk.json'), `${JSON.stringify(ramdisk, undefined, 2)}\n`)
  await rm(ramdisk.directory, { recursive: true, force: true }) // there without its ramdisk.json: not complete
  await rename(aside, ramdisk.directory)
}

/** What buildRamdisk returned for this directory; undefined when there is no complete ramdisk in it. */
export async function readRamdisk(directory: string): Promise<Ramdisk | undefined> {
  const text = await readFile(join(directory, 'ramdisk.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : { ...(JSON.parse(text) as Ramdisk), directory }
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
