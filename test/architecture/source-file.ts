import { glob, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'

export type Import = { specifier: string; line: number; isTypeOnly: boolean }

export type SourceFile = {
  /** From the folder that was read, `dhcp/message.ts`. */
  path: string
  /** The first part of the path; empty for a file at the top. */
  folder: string
  isTest: boolean
  text: string
  imports: Import[]
}

const importForms =
  /^\s*(?:import|export)\s(?<type>type\s)?[^'"`;]*?from\s*['"](?<from>[^'"]+)['"]|^\s*import\s*['"](?<bare>[^'"]+)['"]|\bimport\(\s*['"](?<dynamic>[^'"]+)['"]\s*\)/gm

/** Every TypeScript file below `directory`, with what it imports. */
export async function readSourceFiles(directory: string): Promise<SourceFile[]> {
  const paths = (await Array.fromAsync(glob('**/*.ts', { cwd: directory }))).sort()
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(directory, path), 'utf8')
      const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
      return { path, folder, isTest: path.endsWith('.test.ts'), text, imports: findImports(text) }
    }),
  )
}

export function findImports(text: string): Import[] {
  return Array.from(text.matchAll(importForms), (match) => {
    const { type, from, bare, dynamic } = match.groups ?? {}
    const specifier = from ?? bare ?? dynamic ?? ''
    const line = lineAt(text, match.index + match[0].lastIndexOf(specifier))
    return { specifier, line, isTypeOnly: type !== undefined }
  })
}

export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

/** The imported file's path from the same folder, `../core/intent.ts` seen from `deploy/x.ts` is `core/intent.ts`. */
export function resolveImport(file: SourceFile, { specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? normalize(join(dirname(file.path), specifier)) : undefined
}

/** The first circle of imports that exist at run time, as paths from one file back to itself. */
export function findCycle(files: readonly SourceFile[]): string[] | undefined {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const finished = new Set<string>()
  const visit = (path: string, trail: string[]): string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    const file = byPath.get(path)
    if (!file || finished.has(path)) return undefined
    for (const imported of file.imports) {
      const target = imported.isTypeOnly ? undefined : resolveImport(file, imported)
      const cycle = target === undefined ? undefined : visit(target, [...trail, path])
      if (cycle) return cycle
    }
    finished.add(path)
    return undefined
  }
  for (const file of files) {
    const cycle = visit(file.path, [])
    if (cycle) return cycle
  }
  return undefined
}
