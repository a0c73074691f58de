import { hash } from 'node:crypto'
import { compressZstd } from '../linux/zstd.ts'
import { answerJobs } from './worker-jobs.ts'

type Memory = Uint8Array<ArrayBuffer>

/**
 * Bytes of one chunk, and memory of no less for what they are compressed to; both move to the thread and back. `both`
 * saves the way back and forth for a chunk that is most likely new.
 */
export type ChunkJob =
  | { kind: 'hash'; bytes: Memory }
  | { kind: 'compress'; bytes: Memory; target: Memory }
  | { kind: 'both'; bytes: Memory; target: Memory }

/** `storedBytes` of `target` are to be stored; where it is undefined, `bytes` are, as they are. */
export type Compressed = { bytes: Memory; target: Memory; storedBytes: number | undefined }
export type ChunkReply =
  | { kind: 'hash'; id: Memory; bytes: Memory }
  | ({ kind: 'compress' } & Compressed)
  | ({ kind: 'both'; id: Memory } & Compressed)

const level = 3
/** A chunk that zstd does not make at least this much smaller is stored as it is: it is then free to read. */
const worthwhile = 0.97

answerJobs<ChunkJob, ChunkReply>((job) => {
  const { bytes } = job
  const id = job.kind === 'compress' ? new Uint8Array(0) : new Uint8Array(hash('sha256', bytes, 'buffer'))
  if (job.kind === 'hash') return { reply: { kind: job.kind, id, bytes }, transfer: [bytes.buffer] }
  const { kind, target } = job
  const most = Math.floor(bytes.length * worthwhile)
  const storedBytes = compressZstd(bytes, target.subarray(0, most), level)
  const transfer = [bytes.buffer, target.buffer]
  if (kind === 'both') return { reply: { kind, id, bytes, target, storedBytes }, transfer }
  return { reply: { kind, bytes, target, storedBytes }, transfer }
})
