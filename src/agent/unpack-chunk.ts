import { hash } from 'node:crypto'
import type { RowLocation } from '../image/locations.ts'
import { decompressZstd } from '../linux/zstd.ts'

/** A chunk as it lies in a pack, and what must come out of it. */
export type PackedRow = RowLocation & { id: Uint8Array; sizeBytes: number }
/** A chunk whose bytes are not those that its id names: nothing of it was used. */
export type InvalidChunk = { row: number; actual: string }

/**
 * The chunk's content, or what is there in its place. It lies in `target` where it was compressed, and in `stored` itself
 * where it was not. For worker threads: it keeps its thread busy for all it takes.
 */
export function unpackChunk(
  stored: Uint8Array,
  { sizeBytes, encoding, id }: PackedRow,
  target: Uint8Array,
): Uint8Array | { actual: string } {
  if (encoding === 'zstd' && !decompressZstd(stored, target, sizeBytes)) {
    return { actual: `nothing: it is no zstd of ${sizeBytes} bytes` }
  }
  const content = encoding === 'zstd' ? target.subarray(0, sizeBytes) : stored
  const actual = hash('sha256', content, 'buffer')
  return content.length === sizeBytes && actual.equals(id) ? content : { actual: actual.toString('hex') }
}
