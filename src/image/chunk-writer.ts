import { availableParallelism } from 'node:os'
import type { ChunkJob, ChunkReply } from './chunk-worker.ts'
import type { PackedChunk } from './pack-format.ts'
import { type ChunkLocation, chunkKey } from './pack-index.ts'
import { PackWriter } from './pack-writer.ts'
import { WorkerPool } from './worker-pool.ts'

const maxThreads = 8
const chunksUnderWayPerThread = 6

type EncodedChunk = Omit<PackedChunk, 'offset' | 'storedBytes'> & { stored: Uint8Array }

/**
 * Takes chunks, hashes and compresses in worker threads those the repository does not hold, and appends them to packs in
 * the order they came. Memory is bounded: add() waits while enough chunks are under way.
 */
export class ChunkWriter {
  /** Bytes of the chunks that were added, and of those that were new. */
  addedBytes = 0
  newBytes = 0
  readonly #known: ReadonlyMap<string, ChunkLocation>
  readonly #fresh = new Set<string>()
  readonly #pool: WorkerPool<ChunkJob, ChunkReply>
  readonly #packs: PackWriter
  readonly #limit: number
  #underWay = 0
  #last: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(directory: string, known: ReadonlyMap<string, ChunkLocation>) {
    const threads = Math.min(maxThreads, availableParallelism())
    this.#known = known
    this.#pool = new WorkerPool(new URL('./chunk-worker.ts', import.meta.url), threads)
    this.#packs = new PackWriter(directory)
    this.#limit = threads * chunksUnderWayPerThread
  }

  /**
   * Takes the memory of `bytes`. Returns when there is room for the next chunk; `onId` is called when the id is known, by
   * finish() at the latest. Throws what went wrong with an earlier chunk.
   */
  async add(bytes: Uint8Array<ArrayBuffer>, onId: (id: Uint8Array) => void): Promise<void> {
    if (this.#failure) throw this.#failure
    this.#underWay++
    this.addedBytes += bytes.length
    const encoded = this.#encode(bytes, onId)
    const before = this.#last
    this.#last = this.#appendInOrder(before, encoded)
    while (this.#underWay >= this.#limit && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure) throw this.#failure
  }

  /** Takes a chunk as another pack has it; its bytes were compared with its id. Otherwise as add(). */
  async addStored(chunk: Omit<EncodedChunk, 'stored'>, stored: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure
    const key = chunkKey(chunk.id)
    if (this.#known.has(key) || this.#fresh.has(key)) return
    this.#fresh.add(key)
    this.#underWay++
    this.addedBytes += chunk.sizeBytes
    this.#last = this.#appendInOrder(this.#last, Promise.resolve({ ...chunk, stored }))
    await this.#last
    if (this.#failure) throw this.#failure
  }

  /** Waits for all chunks and seals the last pack: afterwards every byte is synced. */
  async finish(): Promise<PackWriter['sealed']> {
    await this.#last
    if (this.#failure) throw this.#failure
    await this.#packs.seal()
    return this.#packs.sealed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure ??= new Error('The chunk writer was closed')
    await this.#pool[Symbol.asyncDispose]()
    await this.#last
    await this.#packs[Symbol.asyncDispose]()
  }

  async #appendInOrder(before: Promise<void>, encoded: Promise<EncodedChunk | undefined>): Promise<void> {
    try {
      const [chunk] = await Promise.all([encoded, before])
      if (chunk && !this.#failure) {
        this.newBytes += chunk.sizeBytes
        await this.#packs.append({ ...chunk, storedBytes: chunk.stored.length }, chunk.stored)
      }
    } catch (error) {
      this.#failure ??= error as Error
    } finally {
      this.#underWay--
      this.#wake?.()
    }
  }

  async #encode(bytes: Uint8Array<ArrayBuffer>, onId: (id: Uint8Array) => void): Promise<EncodedChunk | undefined> {
    const sizeBytes = bytes.length
    const hashed = await this.#pool.run({ kind: 'hash', bytes }, [bytes.buffer])
    if (hashed.kind !== 'hash') throw new TypeError(`A worker answered ${hashed.kind} for hash`)
    onId(hashed.id)
    const key = chunkKey(hashed.id)
    if (this.#known.has(key) || this.#fresh.has(key)) return undefined
    this.#fresh.add(key)
    const packed = await this.#pool.run({ kind: 'compress', bytes: hashed.bytes }, [hashed.bytes.buffer])
    if (packed.kind !== 'compress') throw new TypeError(`A worker answered ${packed.kind} for compress`)
    return { id: Buffer.from(hashed.id), sizeBytes, encoding: packed.encoding, stored: packed.stored }
  }
}
