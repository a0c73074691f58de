import type { PackLocations, RowLocation } from '../image/locations.ts'
import { chunkKey } from '../image/pack-index.ts'
import { blocksOf, chunkBytes, type FileEntry, type Tree } from '../image/tree.ts'

/** Part of a chunk that goes to a file: all of a small file, or one block of a large one. */
export type Piece = {
  path: string
  /** Where it starts in the chunk, and in the file. */
  at: number
  fileOffset: number
  sizeBytes: number
  /** The whole file is in this piece. */
  small?: FileEntry
  /** Written there, in the directory of `path`; a small file is renamed at once, a large one when it is whole. */
  aside?: string
  /** A file of the right size is at `path`: it stays when its bytes are these. */
  mayBeThere?: true
}

/** A stretch of a pack that is fetched at once, and the chunks in it. */
export type FetchRange = { packId: string; start: number; length: number; chunks: RowLocation[] }

/** A chunk is always shorter. What comes last is unpacked when nothing else is left to do, and the first is waited for. */
export const maxRangeBytes = 1024 * 1024
const maxRangeChunks = 64
/** Unwanted bytes between two chunks are fetched too where a request of its own would take longer. */
const maxGapBytes = 64 * 1024

/** What each row of the chunk table holds, row by row. */
export function piecesOfRows(tree: Tree): Piece[][] {
  const pieces = Array.from({ length: tree.chunks.count }, (): Piece[] => [])
  for (const entry of tree.entries) {
    if (entry.type !== 'file' || entry.sizeBytes === 0) continue
    const { path, sizeBytes } = entry
    if (!isLarge(entry)) {
      pieces[entry.row]!.push({ path, at: entry.at, fileOffset: 0, sizeBytes, small: entry })
      continue
    }
    for (const block of blocksOf(entry)) {
      pieces[block.row]!.push({ path, at: 0, fileOffset: block.block * chunkBytes, sizeBytes: block.sizeBytes })
    }
  }
  return pieces
}

/** The same with all copies of a chunk under the first row it stands in, because it is fetched once. */
export function piecesOfChunks(tree: Tree, pieces = piecesOfRows(tree)): Piece[][] {
  const { ids } = tree.chunks
  const firstRow = new Map<string, number>()
  for (const [row, own] of pieces.entries()) {
    const key = chunkKey(ids.subarray(row * 32, row * 32 + 32))
    const first = firstRow.get(key)
    if (first === undefined) firstRow.set(key, row)
    else pieces[first]!.push(...own.splice(0))
  }
  return pieces
}

/** The path of each hard-link group's first member, by number. */
export function groupPaths(tree: Tree): string[] {
  const paths: string[] = []
  for (const entry of tree.entries) {
    if (entry.type !== 'link' && entry.type !== 'directory' && entry.group !== undefined)
      paths[entry.group] = entry.path
  }
  return paths
}

export function isLarge(entry: FileEntry): boolean {
  return entry.sizeBytes > chunkBytes
}

/** Chunks that lie close together in a pack are fetched by one request, in the order of the pack. */
export function coalesceRanges(packs: readonly PackLocations[]): FetchRange[] {
  const ranges: FetchRange[] = []
  for (const { packId, chunks } of packs) {
    let range: FetchRange | undefined
    for (const chunk of chunks.toSorted((a, b) => a.offset - b.offset)) {
      const end = chunk.offset + chunk.storedBytes
      if (range && isNear(range, chunk.offset, end)) {
        range.length = Math.max(range.length, end - range.start)
        range.chunks.push(chunk)
      } else {
        range = { packId, start: chunk.offset, length: chunk.storedBytes, chunks: [chunk] }
        ranges.push(range)
      }
    }
  }
  return ranges
}

function isNear(range: FetchRange, offset: number, end: number): boolean {
  const gapBytes = offset - (range.start + range.length)
  return gapBytes <= maxGapBytes && end - range.start <= maxRangeBytes && range.chunks.length < maxRangeChunks
}
