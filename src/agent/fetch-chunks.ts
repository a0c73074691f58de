import type { RowLocation } from '../image/locations.ts'
import { ChunkInvalid } from './chunk-invalid.ts'
import type { InvalidChunk } from './unpack-chunk.ts'
import type { FetchRange } from './write-tree-plan.ts'
import type { VersionSource } from './write-tree-source.ts'

/** What becomes of chunks that were fetched. */
export type ChunkUse<Memory extends ArrayBufferLike> = {
  /**
   * Unpacks chunks from `memory`, which holds the bytes of a pack from `start` on, and checks each. Takes the memory and
   * gives it back.
   */
  use: (
    memory: Memory,
    start: number,
    chunks: readonly RowLocation[],
  ) => Promise<{ memory: Memory; invalid: readonly InvalidChunk[] }>
  /** The chunk's id, and what it is a part of, for people. */
  describe: (row: number) => { chunkId: string; place: string }
}

/**
 * Fetches one range and has its chunks used; one that came wrong is fetched once again, past caches. `memory` is at least as
 * long as the range, and is given back for the next. Throws ChunkInvalid, FetchFailed.
 */
export async function fetchChunks<Memory extends ArrayBufferLike>(
  source: VersionSource,
  { packId, start, length, chunks }: FetchRange,
  memory: Memory,
  { use, describe }: ChunkUse<Memory>,
): Promise<Memory> {
  await source.fetchRange(packId, start, new Uint8Array(memory, 0, length))
  let used = await use(memory, start, chunks)
  for (const { row } of used.invalid) {
    const chunk = chunks.find((candidate) => candidate.row === row)!
    await source.fetchRange(packId, chunk.offset, new Uint8Array(used.memory, 0, chunk.storedBytes), true)
    used = await use(used.memory, chunk.offset, [chunk])
    const [invalid] = used.invalid
    if (!invalid) continue
    const { chunkId, place } = describe(row)
    throw new ChunkInvalid(chunkId, place, packId, invalid.actual)
  }
  return used.memory
}
