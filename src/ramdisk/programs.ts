import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveEntry } from './cpio.ts'
import type { SegmentEntry } from './segment.ts'
import type { LibraryIndex } from './shared-libraries.ts'
import type { Target } from './target.ts'

/** Debian packages and what of them is taken. */
export type ProgramList = Readonly<Record<string, readonly string[]>>
/** Other names of a program: symlinks beside it. */
export type AliasList = ProgramList
/** Package name to the directory it is unpacked in. */
export type UnpackedPackages = ReadonlyMap<string, string>
export type Program = { name: string; file: string; package: string }

/** A package no longer has a program or a file that the ramdisk needs. */
export class ToolMissing extends Error {
  override readonly name = 'ToolMissing'
}

/** Throws ToolMissing. */
export async function findPrograms(packages: UnpackedPackages, list: ProgramList): Promise<Program[]> {
  const found: Program[] = []
  for (const [name, programs] of Object.entries(list)) {
    for (const program of programs) {
      const paths = ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((folder) => `${folder}/${program}`)
      found.push({ name: program, file: await findFile(packages, name, paths), package: name })
    }
  }
  return found
}

/** The first of the paths that the package has. Throws ToolMissing. */
export async function findFile(packages: UnpackedPackages, name: string, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const file = join(packages.get(name) ?? '', path)
    if (await stat(file).catch(() => undefined)) return file
  }
  throw new ToolMissing(`Cannot make the ramdisk: the Debian package ${name} has no ${paths[0]}`)
}

export async function programEntries(programs: readonly Program[], aliases: AliasList): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = []
  for (const { name, file, package: of } of programs) {
    entries.push({ entry: await fileEntry(`usr/bin/${name}`, file), of })
    for (const alias of aliases[name] ?? []) entries.push({ entry: symlink(`usr/bin/${alias}`, name), of })
  }
  return entries
}

export async function libraryEntries(
  names: Iterable<string>,
  index: LibraryIndex,
  target: Target,
): Promise<SegmentEntry[]> {
  const entries: SegmentEntry[] = []
  for (const name of names) {
    const library = index.get(name)!
    const folder = name.startsWith('ld-linux') ? target.dynamicLoaderFolder : `usr/lib/${target.libraryFolder}`
    entries.push({ entry: await fileEntry(`${folder}/${name}`, library.file), of: library.package })
  }
  return entries
}

export async function fileEntry(path: string, source: string, mode?: number): Promise<ArchiveEntry> {
  const { size } = await stat(source)
  return { kind: 'file', path, mode: mode ?? 0o755, source, sizeBytes: size }
}

export function symlink(path: string, target: string): ArchiveEntry {
  return { kind: 'symlink', path, target }
}

export function textEntry(path: string, text: string, mode = 0o644): ArchiveEntry {
  return { kind: 'bytes', path, mode, bytes: Buffer.from(text) }
}
