import { readChunkIndex } from '../pack-index.ts'
import { bytesToFetchTree, type FetchCost } from '../renditions/bytes-to-fetch.ts'
import { StoredChunks } from '../renditions/stored-chunks.ts'
import { TreeContents } from '../renditions/tree-contents.ts'
import { type Repository, readTree } from '../repository.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import { compareTrees, type FileChange } from './compare-trees.ts'
import { comparePackages, type PackageChange } from './installed-package.ts'
import { readPackages } from './read-packages.ts'

/** A package database that is there and was not read, and in which of the two versions. */
export type UnreadPackages = { version: string; path: string; reason: string }

/** Version ids. `move` is what a machine that has the first must fetch for the second: chunks, and their stored bytes. */
export type VersionDifference = {
  before: string
  after: string
  files: { added: number; removed: number; changed: number }
  packages: PackageChange[]
  unreadPackages: UnreadPackages[]
  move: FetchCost
}

export type DiffOptions = {
  /** Paths that differ, some at a time, as they are found. */
  onFiles: (files: readonly FileChange[]) => Promise<void> | void
  signal?: AbortSignal | undefined
}

const filesAtOnce = 256

/** Compares two versions by files, packages and bytes. Throws ChunkMissing, StoredChunkInvalid, ManifestInvalid. */
export async function diffVersions(
  repository: Repository,
  before: string,
  after: string,
  { onFiles, signal }: DiffOptions,
): Promise<VersionDifference> {
  await using hold = await RepositoryHold.take(repository)
  const index = await readChunkIndex(repository.directory)
  await using stored = new StoredChunks(repository, index)
  const [old, now] = await Promise.all([readTree(repository, before), readTree(repository, after)])
  const contents = [new TreeContents(old, stored), new TreeContents(now, stored)] as const
  const files = { added: 0, removed: 0, changed: 0 }
  let found: FileChange[] = []
  for await (const file of compareTrees(...contents)) {
    signal?.throwIfAborted()
    files[file.change]++
    if (found.push(file) < filesAtOnce) continue
    await onFiles(found)
    found = []
  }
  if (found.length > 0) await onFiles(found)
  const [had, has] = [await readPackages(contents[0], hold.directory), await readPackages(contents[1], hold.directory)]
  const unread = (version: string, list: typeof had) => list.unread.map((one) => ({ version, ...one }))
  return {
    before,
    after,
    files,
    packages: comparePackages(had.packages, has.packages),
    unreadPackages: [...unread(before, had), ...unread(after, has)],
    move: await bytesToFetchTree(old, now, { stored, index }),
  }
}
