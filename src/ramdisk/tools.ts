import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { busyboxApplets } from './busybox-applets.ts'
import type { ArchiveEntry } from './cpio.ts'
import type { DebianPackage } from './debian-packages.ts'
import type { NpmPackage } from './npm-package.ts'
import type { SegmentEntry, SegmentRecipe } from './segment.ts'
import { closeOverLibraries, indexLibraries } from './shared-libraries.ts'
import { stripExecutable } from './strip-executable.ts'
import type { Target } from './target.ts'
import { aliases, libraryPackages, openedLibraries, tools } from './tool-list.ts'

export const toolPackageNames: readonly string[] = [...Object.keys(tools), ...libraryPackages]

/** A package no longer has a program the agent runs. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing'
}

/** Of all the packages a solver names, those that can have a program or a library the ramdisk needs. */
export function wantedForTools(each: DebianPackage): boolean {
  return toolPackageNames.includes(each.name) || /^(lib(?!python|perl|icu|db5|pam)|zlib1g$)/.test(each.name)
}

type ToolsOptions = {
  target: Target
  node: NpmPackage
  workDirectory: string
}

/** The root filesystem's skeleton, busybox, Node and the agent's tools with their libraries. */
export function toolsRecipe(
  packages: readonly DebianPackage[],
  unpacked: () => Promise<ReadonlyMap<string, string>>,
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
  packages: ReadonlyMap<string, string>,
  { target, node, workDirectory }: ToolsOptions,
): Promise<SegmentEntry[]> {
  const programs = await findPrograms(packages)
  const strippedNode = await stripNode(node, workDirectory)
  const index = await indexLibraries(packages, target.libraryFolder)
  const roots = [strippedNode, ...programs.map((program) => program.file)]
  const libraries = await closeOverLibraries([...roots, ...openedLibraries.map((name) => index.get(name)!.file)], index)
  const entries: SegmentEntry[] = [...skeleton()]
  entries.push({ entry: await fileEntry('usr/bin/node', strippedNode), of: 'node' })
  for (const { name, file, package: of } of programs) {
    entries.push({ entry: await fileEntry(`usr/bin/${name}`, file), of })
    for (const alias of aliases[name] ?? []) entries.push({ entry: symlink(`usr/bin/${alias}`, name), of })
  }
  for (const name of new Set([...libraries, ...openedLibraries])) {
    const library = index.get(name)!
    const folder = name.startsWith('ld-linux') ? target.dynamicLoaderFolder : `usr/lib/${target.libraryFolder}`
    entries.push({ entry: await fileEntry(`${folder}/${name}`, library.file), of: library.package })
  }
  const busybox = programs.find((program) => program.name === 'busybox')!
  return [...entries, ...(await applets(busybox.file, entries))]
}

async function findPrograms(
  packages: ReadonlyMap<string, string>,
): Promise<{ name: string; file: string; package: string }[]> {
  const found: { name: string; file: string; package: string }[] = []
  for (const [name, programs] of Object.entries(tools)) {
    for (const program of programs)
      found.push({ name: program, file: await findProgram(packages, name, program), package: name })
  }
  return found
}

async function findProgram(packages: ReadonlyMap<string, string>, name: string, program: string): Promise<string> {
  for (const folder of ['usr/bin', 'usr/sbin', 'bin', 'sbin']) {
    const file = join(packages.get(name) ?? '', folder, program)
    if (await stat(file).catch(() => undefined)) return file
  }
  throw new ToolMissing(`Cannot make the ramdisk: the Debian package ${name} has no ${program}`)
}

/** 150 MB become 116: only the symbols a debugger wants go. */
async function stripNode({ directory }: NpmPackage, workDirectory: string): Promise<string> {
  await mkdir(workDirectory, { recursive: true })
  const stripped = join(workDirectory, 'node')
  await stripExecutable(join(directory, 'bin', 'node'), stripped)
  return stripped
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

export async function fileEntry(path: string, source: string, mode?: number): Promise<ArchiveEntry> {
  const { size } = await stat(source)
  return { kind: 'file', path, mode: mode ?? 0o755, source, sizeBytes: size }
}

function symlink(path: string, target: string): ArchiveEntry {
  return { kind: 'symlink', path, target }
}

function textEntry(path: string, text: string): ArchiveEntry {
  return { kind: 'bytes', path, mode: 0o644, bytes: Buffer.from(text) }
}
