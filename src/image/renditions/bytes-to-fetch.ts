import { type ChunkLocation, chunkKey } from '../pack-index.ts'
import type { ChunkTable } from '../tree.ts'
import { type BlockMap, clearUnused, rowBytesOf } from './block-map.ts'
import type { StoredChunks } from './stored-chunks.ts'

/** Compressed bytes, as they lie in packs, and how many chunks they are. */
export type FetchCost = { chunks: number; storedBytes: number }

/** What a machine that holds the chunks of one tree has to fetch for another. Each chunk counts once. */
export function bytesToFetchTree(
  have: ChunkTable,
  want: ChunkTable,
  index: ReadonlyMap<string, ChunkLocation>,
): FetchCost {
  return costOf(new Set(keysOf(want)).difference(new Set(keysOf(have))), index)
}

/**
 * What a machine whose disk is one volume has to fetch for another, when it compares row by row with what is there: a
 * row is there when the blocks of it that matter are, whatever is in the others.
 */
export async function bytesToFetchVolume(
  have: BlockMap,
  want: BlockMap,
  stored: StoredChunks,
  index: ReadonlyMap<string, ChunkLocation>,
): Promise<FetchCost> {
  const [haveKeys, wantKeys] = [[...keysOf(have.chunks)], [...keysOf(want.chunks)]]
  const missing = new Set<string>()
  for (let row = 0; row < want.used.length; row++) {
    const chunk = want.chunkOfRow[row]!
    if (chunk < 0 || missing.has(wantKeys[chunk]!)) continue
    const there = have.chunkOfRow[row] ?? -1
    if (there >= 0 && haveKeys[there] === wantKeys[chunk]) continue
    if (there >= 0 && (await isThereUnderMask(have, there, want, row, stored))) continue
    missing.add(wantKeys[chunk]!)
  }
  return costOf(missing, index)
}

async function isThereUnderMask(have: BlockMap, there: number, want: BlockMap, row: number, stored: StoredChunks) {
  if (have.chunks.sizes[there] !== rowBytesOf(want.sizeBytes, row)) return false
  const old = await stored.read(have.chunks, there)
  clearUnused(old, want.used[row]!)
  return old.equals(await stored.read(want.chunks, want.chunkOfRow[row]!))
}

function* keysOf({ ids, count }: ChunkTable): Generator<string> {
  for (let row = 0; row < count; row++) yield chunkKey(ids.subarray(row * 32, row * 32 + 32))
}

function costOf(keys: ReadonlySet<string>, index: ReadonlyMap<string, ChunkLocation>): FetchCost {
  let storedBytes = 0
  for (const key of keys) storedBytes += index.get(key)?.storedBytes ?? 0
  return { chunks: keys.size, storedBytes }
}
