import { availableParallelism } from 'node:os'
import type { ChunkJob, ChunkReply, Compressed } from './chunk-worker.ts'
import type { PackedChunk } from './pack-format.ts'
import { type ChunkLocation, chunkKey } from './pack-index.ts'
import { PackWriter } from './pack-writer.ts'
import { chunkBytes } from './tree.ts'
import { WorkerPool } from './worker-pool.ts'

const maxThreads = 8
const chunksUnderWayPerThread = 6

type Memory = Uint8Array<ArrayBuffer>
/** `memory` is used again when the chunk is in its pack. */
type EncodedChunk = Omit<PackedChunk, 'offset' | 'storedBytes'> & { stored: Uint8Array; memory?: ArrayBuffer }

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
  /** Fresh memory for every chunk keeps the garbage collector as busy as the compression. */
  readonly #spare: Memory[] = []
  #lastWasNew = true
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

  /** Memory for a chunk, with anything in it; add() takes it back. */
  takeBlock(): Memory {
    return this.#spare.pop() ?? new Uint8Array(chunkBytes)
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
  async addStored(chunk: Omit<EncodedChunk, 'stored' | 'memory'>, stored: Uint8Array): Promise<void> {
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
        const { memory, stored, ...packed } = chunk
        await this.#packs.append({ ...packed, storedBytes: stored.length }, stored)
        this.#useAgain(memory)
      }
    } catch (error) {
      this.#failure ??= error as Error
    } finally {
      this.#underWay--
      this.#wake?.()
    }
  }

  async #encode(bytes: Memory, onId: (id: Uint8Array) => void): Promise<EncodedChunk | undefined> {
    // New chunks follow new ones, and known ones known ones.
    const reply = await (this.#lastWasNew ? this.#compress('both', bytes) : this.#run({ kind: 'hash', bytes }))
    if (reply.kind === 'compress') throw new TypeError('A worker answered compress for hash')
    const { id } = reply
    onId(id)
    const key = chunkKey(id)
    this.#lastWasNew = !this.#known.has(key) && !this.#fresh.has(key)
    if (!this.#lastWasNew) {
      this.#useAgain(reply.bytes.buffer)
      if (reply.kind === 'both') this.#useAgain(reply.target.buffer)
      return undefined
    }
    this.#fresh.add(key)
    const packed = reply.kind === 'both' ? reply : await this.#compress('compress', reply.bytes)
    if (packed.kind === 'hash') throw new TypeError('A worker answered hash for compress')
    return this.#encoded(id, packed)
  }

  #compress(kind: 'both' | 'compress', bytes: Memory): Promise<ChunkReply> {
    const target = bytes.length <= chunkBytes ? this.takeBlock() : new Uint8Array(bytes.length)
    return this.#run({ kind, bytes, target })
  }

  #run(job: ChunkJob): Promise<ChunkReply> {
    const transfer = [job.bytes.buffer, ...(job.kind === 'hash' ? [] : [job.target.buffer])]
    return this.#pool.run(job, transfer)
  }

  #encoded(id: Uint8Array, { bytes, target, storedBytes }: Compressed): EncodedChunk {
    const [stored, other] = storedBytes === undefined ? [bytes, target] : [target.subarray(0, storedBytes), bytes]
    this.#useAgain(other.buffer)
    const encoding = storedBytes === undefined ? 'raw' : 'zstd'
    return { id: Buffer.from(id), sizeBytes: bytes.length, encoding, stored, memory: stored.buffer }
  }

  #useAgain(memory: ArrayBuffer | undefined): void {
    if (memory?.byteLength === chunkBytes && this.#spare.length < 2 * this.#limit) {
      this.#spare.push(new Uint8Array(memory))
    }
  }
}
