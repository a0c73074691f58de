import { hash } from 'node:crypto'
import { clearUnused } from '../../image/renditions/block-map.ts'
import { chunkBytes } from '../../image/tree.ts'
import { answerJobs } from '../../image/worker-jobs.ts'
import { type InvalidChunk, type PackedRow, unpackChunk } from '../unpack-chunk.ts'

/*
 * What keeps a processor busy when blocks are written or read back. The memory of a window is shared: chunks are unpacked
 * to their place in it, and what was read from the device is compared there.
 */

/** `id` is the SHA-256 of the row with everything that does not matter as zeros; without one, all of it is zeros. */
export type ComparedRow = { row: number; at: number; sizeBytes: number; used: bigint; id?: Uint8Array | undefined }
/** `places`: where in the window the chunk is wanted. */
export type PlacedChunk = PackedRow & { places: number[] }
/** `stored` holds the bytes of a pack from `start` on. */
export type BlockJob = { window: SharedArrayBuffer } & (
  | { kind: 'unpack'; stored: SharedArrayBuffer; start: number; chunks: PlacedChunk[] }
  | { kind: 'compare'; rows: ComparedRow[] }
)
/** `differing`: rows that are not as they should be. */
export type BlockReply = { invalid: InvalidChunk[]; differing: number[] }

const zeros = Buffer.alloc(chunkBytes)

answerJobs<BlockJob, BlockReply>((job) => {
  if (job.kind === 'compare') return { reply: { invalid: [], differing: compare(job.window, job.rows) } }
  return { reply: { invalid: unpack(job), differing: [] } }
})

function unpack({ window, stored, start, chunks }: BlockJob & { kind: 'unpack' }): InvalidChunk[] {
  const invalid: InvalidChunk[] = []
  for (const chunk of chunks) {
    const [first, ...others] = chunk.places.map((at) => new Uint8Array(window, at, chunk.sizeBytes))
    const bytes = new Uint8Array(stored, chunk.offset - start, chunk.storedBytes)
    const content = unpackChunk(bytes, chunk, first!)
    if (!(content instanceof Uint8Array)) {
      invalid.push({ row: chunk.row, ...content })
      continue
    }
    if (chunk.encoding === 'raw') first!.set(content)
    for (const other of others) other.set(content)
  }
  return invalid
}

/** Sets what does not matter to zero on the way. */
function compare(window: SharedArrayBuffer, rows: readonly ComparedRow[]): number[] {
  return rows
    .filter(({ at, sizeBytes, used, id }) => {
      const bytes = new Uint8Array(window, at, sizeBytes)
      clearUnused(bytes, used)
      return id ? !hash('sha256', bytes, 'buffer').equals(id) : !zeros.subarray(0, sizeBytes).equals(bytes)
    })
    .map(({ row }) => row)
}
