import type { ChunkWriter } from './chunk-writer.ts'
import { chunkBytes, type HoleRun } from './tree.ts'

/** A file up to 256 KiB: read again when its directory's bundle is made. */
export type SmallContent = {
  kind: 'small'
  sizeBytes: number
  /** Fills `target`, which has the file's size, or throws. */
  read: (target: Uint8Array) => Promise<void>
}

/** A file over 256 KiB, whose blocks are chunks: known when its source was read and the chunk writer has finished. */
export type LargeContent = {
  kind: 'large'
  sizeBytes: number
  /** Chunk id of each block that is no hole. */
  ids: Uint8Array[]
  holes: HoleRun[]
}

const zeros = Buffer.alloc(chunkBytes)

/** Cuts one large file into blocks as its bytes come, and gives those that are not all zeros to the chunk writer. */
export class LargeFileCutter {
  readonly content: LargeContent
  readonly #chunks: ChunkWriter
  #block: Uint8Array<ArrayBuffer> | undefined
  #filled = 0
  #blocks = 0
  /** Bytes in the current block that are known to be zeros without looking. */
  #skipped = 0

  constructor(chunks: ChunkWriter) {
    this.content = { kind: 'large', sizeBytes: 0, ids: [], holes: [] }
    this.#chunks = chunks
  }

  /** Copies what it needs. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length; ) {
      const length = Math.min(chunkBytes - this.#filled, bytes.length - start)
      this.#open().set(bytes.subarray(start, start + length), this.#filled)
      start += length
      await this.#advance(length)
    }
  }

  /** Where the next bytes may be read to, without a copy; wrote() says how many they were. */
  room(): Uint8Array {
    return this.#open().subarray(this.#filled)
  }

  async wrote(sizeBytes: number): Promise<void> {
    await this.#advance(sizeBytes)
  }

  /** The next `sizeBytes` bytes are zeros. */
  async skip(sizeBytes: number): Promise<void> {
    let left = sizeBytes
    while (left > 0) {
      if (this.#filled === 0 && left >= chunkBytes) {
        const count = Math.floor(left / chunkBytes)
        this.#addHole(count)
        this.#blocks += count
        left -= count * chunkBytes
        continue
      }
      const length = Math.min(chunkBytes - this.#filled, left)
      this.#open().fill(0, this.#filled, this.#filled + length)
      this.#skipped += length
      left -= length
      await this.#advance(length)
    }
  }

  /** Call when the last byte is written. */
  async finish(): Promise<LargeContent> {
    this.content.sizeBytes = this.#blocks * chunkBytes + this.#filled
    if (this.#filled > 0) await this.#endBlock()
    return this.content
  }

  async #advance(length: number): Promise<void> {
    this.#filled += length
    if (this.#filled === chunkBytes) await this.#endBlock()
  }

  #open(): Uint8Array<ArrayBuffer> {
    this.#block ??= this.#chunks.takeBlock()
    return this.#block
  }

  async #endBlock(): Promise<void> {
    const bytes = this.#open().subarray(0, this.#filled)
    const isHole = this.#skipped === this.#filled || zeros.subarray(0, bytes.length).equals(bytes)
    this.#blocks++
    this.#filled = 0
    this.#skipped = 0
    if (isHole) {
      this.#addHole(1, this.#blocks - 1)
      return
    }
    this.#block = undefined // it is the chunk writer's
    const { ids } = this.content
    const at = ids.push(notKnownYet) - 1
    await this.#chunks.add(bytes, (id) => {
      ids[at] = id
    })
  }

  #addHole(count: number, block = this.#blocks): void {
    const { holes } = this.content
    const last = holes.at(-1)
    if (last && last[0] + last[1] === block) holes[holes.length - 1] = [last[0], last[1] + count]
    else holes.push([block, count])
  }
}

const notKnownYet = new Uint8Array(0)
