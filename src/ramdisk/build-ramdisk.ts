import { mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { AgentArchitecture } from '../core/agent-architecture.ts'
import { agentRecipe } from './agent.ts'
import { type DebianPackage, type PackageCache, resolvePackages, unpackPackages } from './debian-packages.ts'
import { collectFirmware, resolveFirmware } from './firmware.ts'
import { debianKernel, type Kernel, KernelUnusable, modulesRecipe, ownKernel, selectedModuleFiles } from './kernel.ts'
import { type NpmPackage, npmPackage } from './npm-package.ts'
import { publishRamdisk, type Ramdisk } from './published-ramdisk.ts'
import { ramRootPackageNames, ramRootRecipe } from './ram-root.ts'
import { rescuePackageNames, rescueRecipe } from './rescue.ts'
import { makeSegment, type Segment, type SegmentRecipe } from './segment.ts'
import { type Site, siteRecipe } from './site.ts'
import { type Target, targets } from './target.ts'
import { toolPackageNames, toolsRecipe, wanted } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')

export type RamdiskOptions = Site & {
  /** Of the machines; need not be that of the machine that builds. */
  architecture: AgentArchitecture
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
 * Throws ProgramFailed, KernelUnusable, SiteFileUnusable, ToolMissing, LibraryMissing,
 * NpmPackageMissing.
 */
export async function buildRamdisk(options: RamdiskOptions): Promise<Ramdisk> {
  const cacheDirectory = join(resolve(options.cacheDirectory), 'ramdisk')
  const workDirectory = join(cacheDirectory, `work-${process.pid}-${Date.now()}`)
  const target = targets[options.architecture]
  const cache = { directory: cacheDirectory, architecture: target.debian, signal: options.signal }
  const onProgress = options.onProgress ?? (() => {})
  await mkdir(cacheDirectory, { recursive: true })
  try {
    onProgress('resolving Debian packages')
    const names = options.kernel ? toolPackageNames : [target.kernelPackage, ...toolPackageNames]
    const packages = await resolvePackages(cache, names)
    const kernel = options.kernel
      ? await ownKernel(options.kernel)
      : await unpackKernel({ target, cache, packages, onProgress })
    const node = await npmPackage(cache, root, target.nodePackage)
    const build = { options, target, cache, packages, kernel, node, workDirectory, onProgress }
    const segments: Segment[] = []
    for (const recipe of await initrdRecipes(build)) segments.push(await makeSegment(cache, recipe, onProgress))
    const rescue = await makeSegment(cache, await rescueRecipeOf(build), onProgress)
    const ramRoot = await makeSegment(cache, await ramRootRecipeOf(build), onProgress)
    const firmware = await makeFirmware(cache, kernel, onProgress)
    return await publishRamdisk(
      { architecture: target.architecture, kernel, segments, rescue, ramRoot, firmware },
      resolve(options.outputDirectory),
    )
  } finally {
    await rm(workDirectory, { recursive: true, force: true })
  }
}

type Build = {
  options: RamdiskOptions
  target: Target
  cache: PackageCache
  packages: readonly DebianPackage[]
  kernel: Kernel
  node: NpmPackage
  workDirectory: string
  onProgress: (message: string) => void
}

/** From what changes least to what changes most; later archives lie over earlier ones. */
async function initrdRecipes(build: Build): Promise<SegmentRecipe[]> {
  const { options, target, cache, kernel, node, workDirectory, onProgress } = build
  const toolPackages = build.packages.filter((each) => wanted(each, toolPackageNames))
  return [
    toolsRecipe(toolPackages, () => unpackPackages(cache, toolPackages, onProgress), {
      target,
      node,
      workDirectory,
    }),
    modulesRecipe(kernel, workDirectory, options.signal),
    await agentRecipe({
      entry: options.agentEntry ?? join(root, 'src/agent/main.ts'),
      commands: { 'disk-commands': join(root, 'src/agent/errands/rescue/disk-commands.ts') },
      koffi: await npmPackage(cache, root, target.koffiPackage),
      target,
    }),
    await siteRecipe(options),
  ]
}

/** The solver is asked for its packages apart, so that the tools are not packed again when these change. */
async function rescueRecipeOf({ options, cache, onProgress, ...build }: Build): Promise<SegmentRecipe> {
  const names = [...toolPackageNames, ...rescuePackageNames]
  const packages = (await resolvePackages(cache, names)).filter((each) => wanted(each, names))
  return rescueRecipe(packages, () => unpackPackages(cache, packages, onProgress), { ...build, signal: options.signal })
}

async function ramRootRecipeOf({ options, target, cache, onProgress }: Build): Promise<SegmentRecipe> {
  const packages = (await resolvePackages(cache, ramRootPackageNames)).filter((each) =>
    wanted(each, ramRootPackageNames),
  )
  const { trust } = options
  return ramRootRecipe(packages, () => unpackPackages(cache, packages, onProgress), { target, trust })
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

async function unpackKernel({
  target,
  cache,
  packages,
  onProgress,
}: Pick<Build, 'target' | 'cache' | 'packages' | 'onProgress'>): Promise<Kernel> {
  const image = packages.find((each) => /^linux-image-\d/.test(each.name))
  if (!image)
    throw new KernelUnusable(`Cannot find a kernel: no package that ${target.kernelPackage} depends on holds one`)
  const directories = await unpackPackages(cache, [image], onProgress)
  return debianKernel(directories.get(image.name)!, image)
}
