import { readdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runProgram } from '../programs/run-program.ts'

/** Where the libraries of unpacked packages are: file name to the real file and the package it is of. */
export type LibraryIndex = ReadonlyMap<string, { file: string; package: string }>

/** A program needs a library that none of the packages has. */
export class LibraryMissing extends Error {
  override readonly name = 'LibraryMissing'
  readonly library: string
  readonly neededBy: string

  constructor(library: string, neededBy: string) {
    super(`Cannot pack ${neededBy}: it needs ${library}, which none of the Debian packages it depends on has`)
    this.library = library
    this.neededBy = neededBy
  }
}

/**
 * @param packages package name to the directory it is unpacked in
 * @param libraryFolder Debian's, below lib/ and usr/lib/: `x86_64-linux-gnu`
 */
export async function indexLibraries(
  packages: ReadonlyMap<string, string>,
  libraryFolder: string,
): Promise<LibraryIndex> {
  const folders = [`lib/${libraryFolder}`, `usr/lib/${libraryFolder}`, 'lib64', 'usr/lib64']
  const index = new Map<string, { file: string; package: string }>()
  for (const [name, directory] of packages) {
    for (const folder of folders) {
      for (const file of await readdir(join(directory, folder)).catch(() => [])) {
        if (!/\.so(\.|$)/.test(file)) continue
        // A symlink that leaves the package (alternatives, gconv) is nobody's library
        const real = await realpath(join(directory, folder, file)).catch(() => undefined)
        if (real?.startsWith(directory)) index.set(file, { file: real, package: name })
      }
    }
  }
  return index
}

/** The names of all libraries the programs need, directly or through each other. Throws LibraryMissing. */
export async function closeOverLibraries(programs: readonly string[], index: LibraryIndex): Promise<Set<string>> {
  const needed = new Set<string>()
  let files = [...programs]
  while (files.length > 0) {
    const next: string[] = []
    for (const [program, names] of await readNeeded(files)) {
      for (const name of names) {
        if (needed.has(name)) continue
        const library = index.get(name)
        if (!library) throw new LibraryMissing(name, basename(program))
        needed.add(name)
        next.push(library.file)
      }
    }
    files = next
  }
  return needed
}

/** DT_NEEDED of each ELF file, by binutils' readelf; a static program has none. */
async function readNeeded(files: readonly string[]): Promise<Map<string, string[]>> {
  const text = await runProgram('readelf', ['-d', '-W', ...files])
  const needed = new Map<string, string[]>(files.map((file) => [file, []]))
  let current = files[0]!
  for (const line of text.split('\n')) {
    const file = /^File: (.+)$/.exec(line)
    if (file) current = file[1]!
    const library = /\(NEEDED\)\s+Shared library: \[([^\]]+)\]/.exec(line)
    if (library) needed.get(current)!.push(library[1]!)
  }
  return needed
}
