import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DebianPackage } from './debian-packages.ts'
import { furtherModules, type Kernel, type Staging } from './kernel.ts'
import type { NpmPackage } from './npm-package.ts'
import {
  fileEntry,
  findFile,
  findPrograms,
  libraryEntries,
  programEntries,
  ToolMissing,
  textEntry,
  type UnpackedPackages,
} from './programs.ts'
import { certificatesPackage, rescueAliases, rescueFiles, rescueModules, rescueTools } from './rescue-tool-list.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import { closeOverLibraries, indexLibraries } from './shared-libraries.ts'
import type { Target } from './target.ts'
import { toolLibraries } from './tools.ts'

export const rescuePackageNames: readonly string[] = [
  ...Object.keys(rescueTools),
  ...rescueFiles.map((file) => file.package),
  certificatesPackage,
]

/** Settings of the programs in it, and commands for the person who logs in, at their paths in the ramdisk. */
const filesRoot = join(import.meta.dirname, 'rescue-rootfs')
const settings = ['etc/lvm/lvm.conf', 'etc/mdadm/mdadm.conf', 'etc/profile', 'etc/shells', 'root/.vimrc']
const commands = ['usr/bin/assemble', 'usr/bin/mounts', 'usr/bin/mount-all', 'usr/lib/bootwright/console-shell']

type RescueOptions = Staging & { target: Target; node: NpmPackage; kernel: Kernel }

/**
 * A further initrd, only for a machine that is rescued or runs an operator's script: it lies over the others. `packages` are
 * those of the agent's tools as well.
 */
export async function rescueRecipe(
  packages: readonly DebianPackage[],
  unpacked: () => Promise<UnpackedPackages>,
  options: RescueOptions,
): Promise<SegmentRecipe> {
  const own = await Promise.all([...settings, ...commands].map(ownFile))
  const lists = [rescueTools, rescueAliases, rescueFiles, rescueModules]
  return {
    name: 'rescue',
    inputs: [packages.map((each) => each.digest).sort(), options.node.version, options.kernel.identity, lists, own],
    compress: 19,
    entries: async () => [
      ...(await collectRescue(await unpacked(), options)),
      ...own.map(({ path, text, mode }) => ({ entry: textEntry(path, text, mode), of: 'settings' })),
      ...(await furtherModules(options.kernel, options)),
    ],
  }
}

async function ownFile(path: string) {
  const text = await readFile(join(filesRoot, path), 'utf8')
  return { path, text, mode: commands.includes(path) ? 0o755 : 0o644 }
}

async function collectRescue(packages: UnpackedPackages, { target, node }: RescueOptions): Promise<SegmentEntry[]> {
  const programs = await findPrograms(packages, rescueTools)
  const files = await Promise.all(rescueFiles.map((each) => findFile(packages, each.package, [each.from])))
  const index = await indexLibraries(packages, target.libraryFolder)
  const there = await toolLibraries(packages, index, node)
  const linked = [...programs.map((program) => program.file), ...files.filter((file) => file.endsWith('-server'))]
  const needed = await closeOverLibraries(linked, index)
  return [
    ...(await programEntries(programs, rescueAliases)),
    ...(await libraryEntries(
      [...needed].filter((name) => !there.has(name)),
      index,
      target,
    )),
    ...(await Promise.all(
      rescueFiles.map(async ({ package: of, to }, at) => ({ entry: await dataEntry(to, files[at]!), of })),
    )),
    { entry: await certificates(packages), of: certificatesPackage },
  ]
}

async function dataEntry(path: string, file: string) {
  const { mode } = await stat(file)
  return fileEntry(path, file, mode & 0o111 ? 0o755 : 0o644)
}

/** Where OpenSSL and GnuTLS of Debian look. Throws ToolMissing. */
async function certificates(packages: UnpackedPackages) {
  const directory = join(packages.get(certificatesPackage) ?? '', 'usr/share/ca-certificates/mozilla')
  const names = (await readdir(directory).catch(() => [])).sort()
  if (names.length === 0) throw new ToolMissing(`Cannot make the ramdisk: ${certificatesPackage} has no certificates`)
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  return textEntry('etc/ssl/certs/ca-certificates.crt', texts.join(''))
}
