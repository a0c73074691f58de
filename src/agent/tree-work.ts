import type { Entry, FileEntry, LinkEntry, Tree } from '../image/tree.ts'
import { isLarge, type Piece, piecesOfChunks } from './write-tree-plan.ts'

/**
 * Something that is made at its own path, or where something is there already: at `aside` in the same directory, and renamed when it is
 * whole. Whatever moment the machine stops at, a path has what it had or what it should have.
 */
export type Placed<Item extends Entry> = { entry: Item; aside?: string }

/** A large file, and the blocks of the file it replaces that it keeps. */
export type LargeFile = Placed<FileEntry> & { kept: { fileOffset: number; sizeBytes: number }[] }

/** What of a tree has to be done: all of it on a new filesystem, what differs on one that is re-used. */
export type TreeWork = {
  /** Made before all others, a parent before what is in it; none where files are re-used, because planning needs them. */
  directories: string[]
  /** Row by row of the chunk table, where its bytes go; a chunk that goes nowhere is not fetched. */
  pieces: Piece[][]
  /** What has no content: symlinks, devices, FIFOs and empty files. */
  members: Placed<Entry>[]
  largeFiles: LargeFile[]
  /** Small files that are copied from the disk itself. */
  copies: Placed<FileEntry>[]
  /** What is as it should be but for owner, mode, attributes or time; no directories. */
  metadata: Entry[]
  links: (LinkEntry & { aside?: string })[]
}

/** All of a tree, for an empty directory. */
export function workOfWholeTree(tree: Tree): TreeWork {
  return {
    directories: tree.entries.filter(({ type, path }) => type === 'directory' && path !== '').map(({ path }) => path),
    pieces: piecesOfChunks(tree),
    members: tree.entries.filter(isBare).map((entry) => ({ entry })),
    largeFiles: tree.entries.filter(isLargeFile).map((entry) => ({ entry, kept: [] })),
    copies: [],
    metadata: [],
    links: tree.entries.filter((entry) => entry.type === 'link'),
  }
}

/** What is made without content. */
export function isBare(entry: Tree['entries'][number]): entry is Entry {
  return entry.type !== 'directory' && entry.type !== 'link' && (entry.type !== 'file' || entry.sizeBytes === 0)
}

export function isLargeFile(entry: Tree['entries'][number]): entry is FileEntry {
  return entry.type === 'file' && isLarge(entry)
}
