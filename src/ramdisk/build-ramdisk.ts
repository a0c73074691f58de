import { mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { agentRecipe } from './agent.ts'
import { type DebianPackage, type PackageCache, resolvePackages, unpackPackages } from './debian-packages.ts'
import { collectFirmware, resolveFirmware } from './firmware.ts'
import { debianKernel, type Kernel, KernelUnusable, modulesRecipe, ownKernel, selectedModuleFiles } from './kernel.ts'
import { publishRamdisk, type Ramdisk } from './published-ramdisk.ts'
import { makeSegment, type Segment, type SegmentRecipe } from './segment.ts'
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
    const names = options.kernel ? toolPackageNames : ['linux-image-amd64', ...toolPackageNames]
    const packages = await resolvePackages(cache, names)
    const kernel = options.kernel ? await ownKernel(options.kernel) : await unpackKernel(cache, packages, onProgress)
    const recipes = await initrdRecipes({ options, cache, packages, kernel, workDirectory, onProgress })
    const segments: Segment[] = []
    for (const recipe of recipes) segments.push(await makeSegment(cache, recipe, onProgress))
    const firmware = await makeFirmware(cache, kernel, onProgress)
    return await publishRamdisk({ kernel, segments, firmware }, resolve(options.outputDirectory))
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}

type Build = {
  options: RamdiskOptions
  cache: PackageCache
  packages: readonly DebianPackage[]
  kernel: Kernel
  workDirectory: string
  onProgress: (message: string) => void
}

/** From what changes least to what changes most; later archives lie over earlier ones. */
async function initrdRecipes(build: Build): Promise<SegmentRecipe[]> {
  const { options, cache, kernel, workDirectory, onProgress } = build
  const nodeModulesDirectory = join(root, 'node_modules')
  const toolPackages = build.packages.filter(wantedForTools)
  return [
    toolsRecipe(
      toolPackages,
      () => unpackPackages(cache, toolPackages, onProgress),
      await findNode(nodeModulesDirectory),
      workDirectory,
    ),
    modulesRecipe(kernel, workDirectory, options.signal),
    await agentRecipe({ entry: options.agentEntry ?? join(root, 'src/agent/main.ts'), nodeModulesDirectory }),
    await siteRecipe(options),
  ]
}

async function makeFirmware(
  cache: PackageCache,
  kernel: Kernel,
  onProgress: (message: string) => void,
): Promise<{ segment?: Segment; drivers: string[]; missingDrivers: string[] }> {
  const packages = await resolveFirmware(cache)
  const directories = await unpackPackages(cache, packages, onProgress)
  const { recipe, drivers, missingDrivers } = await collectFirmware(await selectedModuleFiles(kernel), directories)
  if (drivers.length === 0) return { drivers, missingDrivers }
  return { segment: await makeSegment(cache, recipe, onProgress), drivers, missingDrivers }
}

async function unpackKernel(
  cache: PackageCache,
  packages: readonly DebianPackage[],
  onProgress: (message: string) => void,
): Promise<Kernel> {
  const image = packages.find((each) => /^linux-image-\d/.test(each.name))
  if (!image) throw new KernelUnusable('Cannot find a kernel: no package that linux-image-amd64 depends on holds one')
  const directories = await unpackPackages(cache, [image], onProgress)
  return debianKernel(directories.get(image.name)!, image)
}
