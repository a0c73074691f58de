import { hash } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'
import { answerJobs } from './worker-jobs.ts'

/** Bytes of one chunk, which move to the thread and back. */
export type ChunkJob = { kind: 'hash' | 'compress'; bytes: Uint8Array<ArrayBuffer> }
export type ChunkReply =
  | { kind: 'hash'; id: Uint8Array; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'compress'; encoding: 'zstd' | 'raw'; stored: Uint8Array<ArrayBuffer> }

const level = 3
/** A chunk that zstd does not make at least this much smaller is stored as it is: it is then free to read. */
const worthwhile = 0.97

answerJobs<ChunkJob, ChunkReply>(({ kind, bytes }) => {
  if (kind === 'hash') {
    const id = new Uint8Array(hash('sha256', bytes, 'buffer'))
    return { reply: { kind, id, bytes }, transfer: [bytes.buffer] }
  }
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  const compressed = zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length, chunkSize: bytes.length + 1024 })
  if (compressed.length > bytes.length * worthwhile) {
    return { reply: { kind, encoding: 'raw', stored: bytes }, transfer: [bytes.buffer] }
  }
  const stored = new Uint8Array(compressed) // a copy of its own: what zlib gives may lie in a larger buffer
  return { reply: { kind, encoding: 'zstd', stored }, transfer: [stored.buffer] }
})
