import { randomBytes } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { pathBelow } from '../image/entry-metadata.ts'
import type { Entry, FileEntry, Tree } from '../image/tree.ts'
import { type CompareTreeOptions, compareTree } from './compare-tree.ts'
import { releaseFiles } from './release-files.ts'
import { removeTree } from './remove-tree.ts'
import { directoryOf, type TargetDirectories } from './target-directories.ts'
import { isBare, isLargeFile, type LargeFile, type TreeWork } from './tree-work.ts'
import type { TreeDifference } from './verify-tree-worker.ts'
import { type Piece, piecesOfChunks, piecesOfRows } from './write-tree-plan.ts'

/** What is to be done where files are already, and what is there that should not be. */
export type ReusePlan = { work: TreeWork; extras: string[]; bytesReused: number }

export type ReuseOptions = CompareTreeOptions & {
  directory: string
  /** Those that are there. */
  keptPaths: readonly string[]
}

/**
 * Compares a filesystem with a tree and plans what makes it that tree: files that are equal stay, whoever wrote them.
 * Makes all directories, and removes what stands where something else must be.
 */
export async function planReuse(tree: Tree, directories: TargetDirectories, options: ReuseOptions): Promise<ReusePlan> {
  const { directory, keptPaths } = options
  releaseFiles(directory, keptPaths)
  directories.makeAll()
  const { differences } = await compareTree(tree, directory, options)
  const planner = new ReusePlanner(tree, differences)
  const work = planner.plan()
  for (const { kind, path } of differences) {
    const isInTheWay =
      (kind === 'entry' || kind === 'links') &&
      lstatSync(pathBelow(directory, path), { throwIfNoEntry: false })?.isDirectory()
    if (isInTheWay) removeTree(directory, path, keptPaths)
  }
  const extras = differences.filter(({ kind, path }) => kind === 'extra' && !keptPaths.includes(path))
  openDirectories(directories, work, extras)
  for (const { kind, at } of differences) {
    const entry = tree.entries[at]
    if (kind === 'metadata' && entry?.type === 'directory') directories.touch(entry.path)
  }
  return { work, extras: extras.map(({ path }) => path), bytesReused: planner.bytesReused }
}

/** Those in which something is made or removed. */
function openDirectories(directories: TargetDirectories, work: TreeWork, extras: readonly TreeDifference[]): void {
  for (const pieces of work.pieces) for (const { path } of pieces) directories.openParent(path)
  for (const placed of [work.members, work.largeFiles, work.copies]) {
    for (const { entry } of placed) directories.openParent(entry.path)
  }
  for (const { path } of extras) directories.openParent(path)
}

class ReusePlanner {
  bytesReused = 0
  readonly #tree: Tree
  readonly #badRows: ReadonlySet<number>
  /** Paths that need a new file: it is not there, or it is another's as well, or some of its blocks differ. */
  readonly #made: ReadonlySet<string>
  readonly #pathsOfMetadata: ReadonlySet<string>
  readonly #rows: Piece[][]
  /** No name of a tree or of an earlier attempt: 48 random bits. */
  readonly #asideName = `.bootwright-${randomBytes(6).toString('hex')}`
  #asides = 0

  constructor(tree: Tree, differences: readonly TreeDifference[]) {
    this.#tree = tree
    this.#rows = piecesOfRows(tree)
    this.#badRows = new Set(differences.filter(({ kind }) => kind === 'row').map(({ at }) => at))
    const made = differences.filter(({ kind }) => kind === 'entry' || kind === 'links').map(({ path }) => path)
    for (const row of this.#badRows) for (const { path, small } of this.#rows[row]!) if (!small) made.push(path)
    this.#made = new Set(made)
    this.#pathsOfMetadata = new Set(differences.filter(({ kind }) => kind === 'metadata').map(({ path }) => path))
  }

  plan(): TreeWork {
    const { entries } = this.#tree
    const needsNew = entries.filter((entry): entry is Entry => entry.type !== 'link' && this.#made.has(entry.path))
    const largeFiles = new Map<string, LargeFile>(
      needsNew.filter(isLargeFile).map((entry) => [entry.path, { ...this.#placed(entry), kept: [] }]),
    )
    const copies: FileEntry[] = []
    for (const [row, pieces] of this.#rows.entries()) {
      if (this.#badRows.has(row)) this.#rows[row] = pieces.map((piece) => this.#wanted(piece, largeFiles))
      else {
        for (const piece of pieces) this.#keep(piece, largeFiles, copies)
        this.#rows[row] = []
      }
    }
    return {
      directories: [],
      pieces: piecesOfChunks(this.#tree, this.#rows),
      members: needsNew.filter(isBare).map((entry) => this.#placed(entry)),
      largeFiles: [...largeFiles.values()],
      copies: copies.map((entry) => this.#placed(entry)),
      metadata: entries.filter((entry): entry is Entry => this.#keepsBytes(entry)),
      links: entries
        .filter((entry) => entry.type === 'link')
        .map((entry) => ({ ...entry, aside: this.#aside(entry.path) })),
    }
  }

  #wanted(piece: Piece, largeFiles: ReadonlyMap<string, LargeFile>): Piece {
    const { path, small } = piece
    if (!small) return { ...piece, aside: largeFiles.get(path)!.aside! }
    const placed = { ...piece, aside: this.#aside(path) }
    return this.#made.has(path) ? placed : { ...placed, mayBeThere: true }
  }

  #keep({ path, fileOffset, sizeBytes, small }: Piece, largeFiles: Map<string, LargeFile>, copies: FileEntry[]): void {
    this.bytesReused += sizeBytes
    if (!this.#made.has(path)) return
    if (small) copies.push(small)
    else largeFiles.get(path)!.kept.push({ fileOffset, sizeBytes })
  }

  #keepsBytes(entry: Tree['entries'][number]): boolean {
    return entry.type !== 'directory' && this.#pathsOfMetadata.has(entry.path) && !this.#made.has(entry.path)
  }

  #placed<Item extends Entry>(entry: Item): { entry: Item; aside: string } {
    return { entry, aside: this.#aside(entry.path) }
  }

  #aside(path: string): string {
    const directory = directoryOf(path)
    return `${directory}${directory && '/'}${this.#asideName}-${this.#asides++}`
  }
}

/** The kept paths that are directories now, reached through directories alone: the others are made as the tree says. */
export function keptPathsThere(directory: string, keptPaths: readonly string[] = []): string[] {
  const isDirectory = (path: string) => lstatSync(pathBelow(directory, path), { throwIfNoEntry: false })?.isDirectory()
  return keptPaths.filter((kept) => {
    const names = kept.split('/')
    return names.every((_, depth) => isDirectory(names.slice(0, depth + 1).join('/')))
  })
}
