import { chunkKey } from '../pack-index.ts'
import { type BlockMap, clearUnused } from '../renditions/block-map.ts'
import type { StoredChunks } from '../renditions/stored-chunks.ts'
import { TreeContents } from '../renditions/tree-contents.ts'
import type { ChunkTable } from '../tree.ts'
import { chunkBytes, type Tree } from '../tree.ts'
import { type BasePiece, TreeBases } from './tree-bases.ts'
import { readVolumeBase } from './volume-bases.ts'

/** A chunk that a machine lacks: its row of the chunk table, and how to read what it is compressed against. */
export type MissingRow = { chunk: number; readBase: () => Promise<Buffer> }

/** Rows of a new tree of which the old one has no chunk; each chunk once. */
export function* missingTreeRows(have: Tree, want: Tree, stored: StoredChunks): Generator<MissingRow> {
  const known = new Set(keysOf(have.chunks))
  const bases = new TreeBases(have, want)
  const contents = new TreeContents(have, stored)
  for (const [chunk, key] of [...keysOf(want.chunks)].entries()) {
    if (known.has(key)) continue
    known.add(key)
    yield { chunk, readBase: () => readPieces(contents, bases.piecesFor(chunk)) }
  }
}

async function readPieces(contents: TreeContents, pieces: readonly BasePiece[]): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (const { file, offset, sizeBytes } of pieces) {
    if (file.sizeBytes <= chunkBytes) parts.push((await contents.readSmall(file)).subarray(0, sizeBytes))
    else parts.push(await contents.readRange(file, offset, sizeBytes))
  }
  return Buffer.concat(parts)
}

/**
 * Rows of a new volume that a machine with the old one lacks: those whose blocks that matter differ from what is at the
 * same place. Each chunk once.
 */
export async function* missingVolumeRows(
  have: BlockMap,
  want: BlockMap,
  stored: StoredChunks,
): AsyncGenerator<MissingRow & { row: number }> {
  const readOld = async (row: number) => {
    const chunk = have.chunkOfRow[row] ?? -1
    return chunk < 0 ? undefined : stored.read(have.chunks, chunk)
  }
  const [haveKeys, wantKeys] = [[...keysOf(have.chunks)], [...keysOf(want.chunks)]]
  const met = new Set<string>()
  for (let row = 0; row < want.used.length; row++) {
    const chunk = want.chunkOfRow[row]!
    if (chunk < 0 || met.has(wantKeys[chunk]!)) continue
    const there = have.chunkOfRow[row] ?? -1
    if (there >= 0 && haveKeys[there] === wantKeys[chunk]) continue
    if (there >= 0 && (await isThereUnderMask(await stored.read(have.chunks, there), want, row, stored))) continue
    met.add(wantKeys[chunk]!)
    yield { row, chunk, readBase: () => readVolumeBase(row, readOld) }
  }
}

async function isThereUnderMask(old: Buffer, want: BlockMap, row: number, stored: StoredChunks): Promise<boolean> {
  const chunk = want.chunkOfRow[row]!
  if (old.length !== want.chunks.sizes[chunk]) return false
  clearUnused(old, want.used[row]!)
  return old.equals(await stored.read(want.chunks, chunk))
}

function* keysOf({ ids, count }: ChunkTable): Generator<string> {
  for (let row = 0; row < count; row++) yield chunkKey(ids.subarray(row * 32, row * 32 + 32))
}
