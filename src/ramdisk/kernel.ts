import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { runProgram } from '../programs/run-program.ts'
import type { DebianPackage } from './debian-packages.ts'
import { parseModuleIndex } from './module-index.ts'
import { excludedModules, includedModules } from './module-rules.ts'
import { rescueModules } from './rescue-tool-list.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import { selectModules } from './select-modules.ts'

/** The kernel that boots the agent. */
export type Kernel = {
  /** The bzImage. */
  image: string
  /** `…/lib/modules/RELEASE` of the same kernel; RELEASE is its last part. */
  modulesDirectory: string
  /** Changes when the kernel does. */
  identity: string
}

/** A kernel that is not as the ramdisk needs it. */
export class KernelUnusable extends Error {
  override readonly name = 'KernelUnusable'
}

/** Debian's signed kernel from its unpacked package. */
export async function debianKernel(directory: string, each: DebianPackage): Promise<Kernel> {
  const release = each.name.replace(/^linux-image-/, '')
  const root = (await exists(join(directory, 'usr', 'lib', 'modules'))) ? join(directory, 'usr') : directory
  const modulesDirectory = join(root, 'lib', 'modules', release)
  if (!(await exists(join(modulesDirectory, 'modules.dep.bin')))) await runProgram('depmod', ['-b', root, release])
  return { image: join(directory, 'boot', `vmlinuz-${release}`), modulesDirectory, identity: each.digest }
}

/** The operator's own kernel. Throws KernelUnusable when image and modules are not there, or not indexed by depmod. */
export async function ownKernel(paths: { image: string; modulesDirectory: string }): Promise<Kernel> {
  const modulesDirectory = await realpath(paths.modulesDirectory).catch(() => paths.modulesDirectory)
  const index = join(modulesDirectory, 'modules.dep')
  if (!(await exists(paths.image)))
    throw new KernelUnusable(`Cannot use the kernel ${paths.image}: there is no such file`)
  if (!(await exists(index))) {
    throw new KernelUnusable(
      `Cannot use the modules in ${modulesDirectory}: ${index} is missing; give …/lib/modules/RELEASE, and run depmod`,
    )
  }
  const [image, dep] = await Promise.all([stat(paths.image), stat(index)])
  const identity = [paths.image, image.size, image.mtimeMs, modulesDirectory, dep.size, dep.mtimeMs].join(' ')
  return { image: paths.image, modulesDirectory, identity }
}

export function modulesRecipe(kernel: Kernel, workDirectory: string, signal?: AbortSignal): SegmentRecipe {
  return {
    name: 'modules',
    inputs: [kernel.identity, includedModules, excludedModules],
    compress: 19,
    entries: async () => stageModules(kernel, await selectedModules(kernel), { workDirectory, signal }),
  }
}

/** Modules of other rules, for an early system that has them below `staging.prefix`. */
export function chosenModulesRecipe(kernel: Kernel, included: readonly string[], staging: Staging): SegmentRecipe {
  return {
    name: 'modules',
    inputs: [kernel.identity, included, excludedModules, staging.prefix],
    compress: 19,
    entries: async () => stageModules(kernel, await selectedModules(kernel, included), staging),
  }
}

/** What `rescueModules` adds to those of every machine, with indexes of all: they lie over the others' indexes. */
export async function furtherModules(kernel: Kernel, staging: Staging): Promise<SegmentEntry[]> {
  const usual = new Set((await selectedModules(kernel)).map(unpackedPath))
  const all = await selectedModules(kernel, [...includedModules, ...rescueModules])
  const entries = await stageModules(kernel, all, staging)
  return entries.filter(({ entry }) => !usual.has(entry.path.replace(/^usr\/lib\/modules\/[^/]+\//, '')))
}

/** Where files are prepared, and what stops that. The archive has `lib/modules/RELEASE` below `prefix`, which is `usr` where not given. */
export type Staging = { workDirectory: string; prefix?: string; signal?: AbortSignal | undefined }

/**
 * Copies the selected modules aside, unpacked and otherwise untouched: Debian's signature at a module's end stays valid
 * (Secure Boot's lockdown asks for it), and the archive as a whole compresses better than each module alone.
 */
async function stageModules(
  kernel: Kernel,
  selected: readonly string[],
  { workDirectory, prefix = 'usr', signal }: Staging,
): Promise<SegmentEntry[]> {
  const release = basename(kernel.modulesDirectory)
  await mkdir(workDirectory, { recursive: true })
  const stage = await mkdtemp(join(workDirectory, 'modules-'))
  const target = join(stage, 'lib', 'modules', release)
  if (selected.length === 0) {
    throw new KernelUnusable(
      `Cannot use the modules in ${kernel.modulesDirectory}: none of the wanted drivers is there`,
    )
  }
  for (const path of [...selected, ...(await staticIndexes(kernel.modulesDirectory))]) {
    await mkdir(dirname(join(target, path)), { recursive: true })
    await copyFile(join(kernel.modulesDirectory, path), join(target, path))
  }
  await unpackModules(target, selected, signal)
  await runProgram('depmod', ['-b', stage, release], { signal })
  return await collectModules(target, `${prefix}/lib/modules/${release}`)
}

/** The files of the modules that go into the ramdisk, where the kernel was unpacked. */
export async function selectedModuleFiles(kernel: Kernel): Promise<string[]> {
  return (await selectedModules(kernel)).map((path) => join(kernel.modulesDirectory, path))
}

async function selectedModules(kernel: Kernel, included: readonly string[] = includedModules): Promise<string[]> {
  return selectModules(await readModuleIndex(kernel.modulesDirectory), { included, excluded: excludedModules })
}

function unpackedPath(path: string): string {
  return path.replace(/\.(xz|zst|gz)$/, '')
}

async function readModuleIndex(directory: string): Promise<ReturnType<typeof parseModuleIndex>> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8')
  const [dep, alias, softdep] = await Promise.all([read('modules.dep'), read('modules.alias'), read('modules.softdep')])
  return parseModuleIndex({ dep, alias, softdep })
}

/** Files that come with the kernel and that depmod reads. */
async function staticIndexes(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => /^modules\.(order|builtin|builtin\.modinfo)$/.test(name))
}

async function unpackModules(directory: string, paths: readonly string[], signal?: AbortSignal): Promise<void> {
  for (const [suffix, program] of [
    ['.xz', 'xz'],
    ['.gz', 'gzip'],
    ['.zst', 'zstd'],
  ] as const) {
    const packed = paths.filter((path) => path.endsWith(suffix)).map((path) => join(directory, path))
    const options = program === 'zstd' ? ['-d', '-q', '--rm'] : ['-d', '-q']
    if (packed.length > 0) await runProgram(program, [...options, ...packed], { signal })
  }
}

/** modprobe reads the binary indexes and the soft dependencies; the rest is depmod's own input or for people. */
const runtimeIndex = /^modules\.(dep\.bin|alias\.bin|builtin\.bin|builtin\.alias\.bin|softdep|devname)$/

async function collectModules(directory: string, prefix: string): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = []
  for (const item of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const source = join(item.parentPath, item.name)
    const path = source.slice(directory.length + 1)
    if (!item.isFile() || (!path.includes('/') && !runtimeIndex.test(path))) continue
    const { size } = await stat(source)
    entries.push({
      entry: { kind: 'file', path: `${prefix}/${path}`, mode: 0o644, source, sizeBytes: size },
      of: shareOf(path),
    })
  }
  return entries
}

/** `kernel/drivers/net/ethernet/intel/e1000/e1000.ko` counts under `drivers/net`. */
function shareOf(path: string): string {
  const [first, second, third] = path.split('/')
  if (first !== 'kernel') return 'module index'
  return second === 'drivers' ? `${second}/${third}` : `${second}`
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
