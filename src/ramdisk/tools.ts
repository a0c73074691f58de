import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { busyboxApplets } from './busybox-applets.ts'
import type { ArchiveEntry } from './cpio.ts'
import type { DebianPackage } from './debian-packages.ts'
import type { NpmPackage } from './npm-package.ts'
import {
  fileEntry,
  findPrograms,
  libraryEntries,
  programEntries,
  symlink,
  textEntry,
  type UnpackedPackages,
} from './programs.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import { closeOverLibraries, indexLibraries, type LibraryIndex } from './shared-libraries.ts'
import { stripExecutable } from './strip-executable.ts'
import type { Target } from './target.ts'
import { aliases, libraryPackages, openedLibraries, tools } from './tool-list.ts'

export const toolPackageNames: readonly string[] = [...Object.keys(tools), ...libraryPackages]

/** Of all the packages a solver names, those that were asked for, and those that can have a library which these need. */
export function wanted(each: DebianPackage, names: readonly string[]): boolean {
  return names.includes(each.name) || /^(lib(?!python|perl|icu|db5|pam)|zlib1g$)/.test(each.name)
}

type ToolsOptions = {
  target: Target
  node: NpmPackage
  workDirectory: string
}

/** The root filesystem's skeleton, busybox, Node and the agent's tools with their libraries. */
export function toolsRecipe(
  packages: readonly DebianPackage[],
  unpacked: () => Promise<UnpackedPackages>,
  { target, node, workDirectory }: ToolsOptions,
): SegmentRecipe {
  return {
    name: 'tools',
    inputs: [packages.map((each) => each.digest).sort(), node.version, tools, aliases, openedLibraries],
    compress: 19,
    entries: async () => collectTools(await unpacked(), { target, node, workDirectory }),
  }
}

async function collectTools(
  packages: UnpackedPackages,
  { target, node, workDirectory }: ToolsOptions,
): Promise<SegmentEntry[]> {
  const programs = await findPrograms(packages, tools)
  const strippedNode = await stripNode(node, workDirectory)
  const index = await indexLibraries(packages, target.libraryFolder)
  const files = programs.map((program) => program.file)
  const entries: SegmentEntry[] = [
    ...skeleton(),
    { entry: await fileEntry('usr/bin/node', strippedNode), of: 'node' },
    ...(await programEntries(programs, aliases)),
    ...(await libraryEntries(await neededLibraries([strippedNode, ...files], index), index, target)),
  ]
  const busybox = programs.find((program) => program.name === 'busybox')!
  return [...entries, ...(await applets(busybox.file, entries))]
}

/** The names of all that the tools and Node load: what lies over the tools need not bring them again. */
export async function toolLibraries(
  packages: UnpackedPackages,
  index: LibraryIndex,
  node: NpmPackage,
): Promise<Set<string>> {
  const programs = await findPrograms(packages, tools)
  return neededLibraries([nodeOf(node), ...programs.map((program) => program.file)], index)
}

async function neededLibraries(programs: readonly string[], index: LibraryIndex): Promise<Set<string>> {
  const opened = openedLibraries.map((name) => index.get(name)!.file)
  return new Set([...(await closeOverLibraries([...programs, ...opened], index)), ...openedLibraries])
}

/** 150 MB become 116: only the symbols a debugger wants go. */
async function stripNode(node: NpmPackage, workDirectory: string): Promise<string> {
  await mkdir(workDirectory, { recursive: true })
  const stripped = join(workDirectory, 'node')
  await stripExecutable(nodeOf(node), stripped)
  return stripped
}

function nodeOf({ directory }: NpmPackage): string {
  return join(directory, 'bin', 'node')
}

/** busybox's applets as symlinks, where no real tool has the name. */
async function applets(busybox: string, taken: readonly SegmentEntry[]): Promise<SegmentEntry[]> {
  const paths = new Set(taken.map(({ entry }) => entry.path))
  return (await busyboxApplets(busybox))
    .map((name) => ({ entry: symlink(`usr/bin/${name}`, 'busybox'), of: 'busybox-static' }))
    .filter(({ entry }) => !paths.has(entry.path))
}

/** Merged /usr, so that the other segments have one place for each file; and the nodes /init needs before devtmpfs. */
function skeleton(): SegmentEntry[] {
  const of = 'skeleton'
  const directories = ['dev', 'proc', 'sys', 'run', 'mnt', 'root', 'etc', 'var', 'tmp'].map(
    (path): ArchiveEntry => ({ kind: 'directory', path, mode: path === 'tmp' ? 0o1777 : 0o755 }),
  )
  const links = ['bin', 'lib', 'lib64'].map((path) => symlink(path, `usr/${path}`))
  return [
    ...directories,
    ...links,
    symlink('sbin', 'usr/bin'),
    symlink('usr/sbin', 'bin'),
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 } as const,
    { kind: 'device', path: 'dev/null', mode: 0o666, major: 1, minor: 3 } as const,
    textEntry('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'),
    textEntry('etc/group', 'root:x:0:\ndisk:x:6:\n'),
    textEntry('etc/hosts', '127.0.0.1 localhost\n'),
    textEntry('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ].map((entry) => ({ entry, of }))
}
