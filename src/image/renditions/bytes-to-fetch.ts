import { missingTreeRows, missingVolumeRows } from '../deltas/delta-rows.ts'
import type { StoredDelta } from '../deltas/delta-store.ts'
import { type ChunkLocation, chunkKey } from '../pack-index.ts'
import type { ChunkTable, Tree } from '../tree.ts'
import type { BlockMap } from './block-map.ts'
import type { StoredChunks } from './stored-chunks.ts'

/** Compressed bytes, as they are sent, and how many chunks they are. */
export type FetchCost = { chunks: number; storedBytes: number }

/** What of both costs: chunks from packs alone, or from a delta where it has them. */
export type FetchSource = {
  stored: StoredChunks
  index: ReadonlyMap<string, ChunkLocation>
  delta?: StoredDelta | undefined
}

/** What a machine that holds one tree has to fetch for another. */
export async function bytesToFetchTree(have: Tree, want: Tree, source: FetchSource): Promise<FetchCost> {
  return sumUp(missingTreeRows(have, want, source.stored), want.chunks, source)
}

/**
 * What a machine whose disk is one volume has to fetch for another, when it compares row by row with what is there: a
 * row is there when the blocks of it that matter are, whatever is in the others.
 */
export async function bytesToFetchVolume(have: BlockMap, want: BlockMap, source: FetchSource): Promise<FetchCost> {
  return sumUp(missingVolumeRows(have, want, source.stored), want.chunks, source)
}

async function sumUp(
  rows: AsyncIterable<{ chunk: number }> | Iterable<{ chunk: number }>,
  { ids }: ChunkTable,
  { index, delta }: FetchSource,
): Promise<FetchCost> {
  const inDelta = new Map(delta?.chunks.map((chunk) => [chunkKey(chunk.id), chunk.storedBytes]))
  const cost = { chunks: 0, storedBytes: 0 }
  for await (const { chunk } of rows) {
    const key = chunkKey(ids.subarray(chunk * 32, chunk * 32 + 32))
    cost.chunks++
    cost.storedBytes += inDelta.get(key) ?? index.get(key)?.storedBytes ?? 0
  }
  return cost
}
