import { hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../../bytes/decode-error.ts'
import type { PackedChunk } from '../pack-format.ts'
import { chunkKey } from '../pack-index.ts'
import { decodeDelta } from './delta-codec.ts'
import type { StoredDelta } from './delta-store.ts'

/** Gives the chunks of a delta to who has their bases. */
export class DeltaReader {
  readonly #handle: FileHandle
  readonly #chunks: ReadonlyMap<string, PackedChunk>

  private constructor(handle: FileHandle, chunks: ReadonlyMap<string, PackedChunk>) {
    this.#handle = handle
    this.#chunks = chunks
  }

  static async open(delta: StoredDelta): Promise<DeltaReader> {
    const chunks = new Map(delta.chunks.map((chunk) => [chunkKey(chunk.id), chunk]))
    return new DeltaReader(await open(path.join(delta.directory, 'data'), 'r'), chunks)
  }

  has(id: Uint8Array): boolean {
    return this.#chunks.has(chunkKey(id))
  }

  /** A chunk, checked against its id. Throws DecodeError where the delta or the base is not what it was: use the pack. */
  async read(id: Uint8Array, base: Buffer): Promise<Buffer> {
    const chunk = this.#chunks.get(chunkKey(id))
    if (!chunk) throw new RangeError(`the delta has no chunk ${Buffer.from(id).toString('hex')}`)
    const stored = Buffer.alloc(chunk.storedBytes)
    const { bytesRead } = await this.#handle.read(stored, 0, stored.length, chunk.offset)
    if (bytesRead < stored.length) throw new DecodeError('delta', 'it ends inside a chunk', chunk.offset + bytesRead)
    const bytes = decodeDelta(stored, base, chunk.sizeBytes)
    const actual = hash('sha256', bytes, 'buffer')
    if (actual.equals(chunk.id)) return bytes
    throw new DecodeError(
      'delta',
      `chunk ${chunk.id.toString('hex')} hashes to ${actual.toString('hex')}`,
      chunk.offset,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}
