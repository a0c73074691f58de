import { hash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { maxChunkBytes, type PackedChunk } from './pack-format.ts'

/** Bytes that are not those of the chunk they are said to be. */
export class ChunkInvalid extends Error {
  override readonly name = 'ChunkInvalid'
  readonly chunkId: string
  /** Pack file or URL. */
  readonly place: string
  readonly reason: string

  constructor(chunkId: string, place: string, reason: string) {
    super(`Cannot use chunk ${chunkId} in ${place}: ${reason}`)
    this.chunkId = chunkId
    this.place = place
    this.reason = reason
  }
}

/** The chunk itself, from the bytes that are stored of it; compared with its id. Throws ChunkInvalid. */
export function openChunk(
  chunk: Pick<PackedChunk, 'id' | 'sizeBytes' | 'encoding'>,
  stored: Buffer,
  place: string,
): Buffer {
  const bytes = chunk.encoding === 'raw' ? stored : decompress(chunk, stored, place)
  const actual = hash('sha256', bytes, 'hex')
  const id = chunk.id.toString('hex')
  if (actual !== id) throw new ChunkInvalid(id, place, `its content hashes to ${actual}`)
  if (bytes.length === chunk.sizeBytes) return bytes
  throw new ChunkInvalid(id, place, `it has ${bytes.length} bytes, not ${chunk.sizeBytes}`)
}

function decompress(chunk: Pick<PackedChunk, 'id' | 'sizeBytes'>, stored: Buffer, place: string): Buffer {
  try {
    const sizeBytes = Math.min(chunk.sizeBytes, maxChunkBytes)
    return zstdDecompressSync(stored, { chunkSize: sizeBytes + 64, maxOutputLength: sizeBytes })
  } catch (error) {
    const reason = `its compression is damaged (${(error as Error).message})`
    throw new ChunkInvalid(chunk.id.toString('hex'), place, reason)
  }
}
