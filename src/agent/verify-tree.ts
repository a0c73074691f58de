import { closeSync, openSync } from 'node:fs'
import { syncFilesystem } from '../linux/page-cache.ts'
import { compareTree } from './compare-tree.ts'
import { leadsToKept, withoutKeptPaths } from './kept-paths.ts'
import { openVersion, type VersionOptions } from './open-version.ts'
import type { TreeProgress } from './write-tree.ts'
import { VersionSource } from './write-tree-source.ts'

export type VerifyTreeOptions = VersionOptions & {
  targetDirectory: string
  /** Directories of the tree that are not looked at (kept-paths.ts). */
  keptPaths?: readonly string[] | undefined
  /** Of the contents, how much is read: 1 is all. Names and metadata are always compared. */
  share?: number | undefined
  onProgress?: ((progress: TreeProgress) => void) | undefined
}

/** What is on the disk is not the version. `differences` has up to twenty of them. */
export class TreeDiffers extends Error {
  override readonly name = 'TreeDiffers'
  readonly differences: readonly string[]

  constructor(directory: string, version: string, differences: readonly string[]) {
    super(`What was written to ${directory} is not version ${version}: ${differences.slice(0, 5).join('; ')}`)
    this.differences = differences
  }
}

const maxDifferences = 20

/**
 * Reads all of a written tree back from the disk, past the page cache, and compares every byte (or a `share` of them), every name and all metadata
 * with the signed manifest, which it fetches anew. Flushes the filesystem first. Throws TreeDiffers, and what
 * writeTree() throws about the manifest.
 */
export async function verifyTree(options: VerifyTreeOptions): Promise<{ bytesRead: number; entries: number }> {
  using source = new VersionSource(options)
  const { tree: whole } = await openVersion(source, options)
  const tree = withoutKeptPaths(whole, options.keptPaths)
  flush(options.targetDirectory)
  const { differences, bytesRead } = await compareTree(tree, options.targetDirectory, options)
  const found = differences.filter(({ kind, path }) => kind !== 'extra' || !leadsToKept(path, options.keptPaths))
  if (found.length === 0) return { bytesRead, entries: tree.entries.length }
  const texts = found.slice(0, maxDifferences).map(({ text }) => text)
  throw new TreeDiffers(options.targetDirectory, options.version, texts)
}

function flush(directory: string): void {
  const fd = openSync(directory, 'r')
  try {
    syncFilesystem(fd)
  } finally {
    closeSync(fd)
  }
}
