import type { BlockSource } from './block-source.ts'
import { dataHeaderBytes, writeDataHeader } from './packet.ts'

const readAheadBytes = 64 * 1024

/**
 * The part of a file that is on its way: complete DATA datagrams in a ring, filled ahead of the window with one read
 * for many blocks and sent from where they lie. Blocks are counted from 0 without wrapping; on the wire they are
 * counted from 1 modulo 65536.
 */
export class BlockRing {
  readonly #source: BlockSource
  readonly #blockBytes: number
  readonly #datagrams: Buffer[] = []
  readonly #bodies: Buffer[] = []
  /** Blocks below this are in the ring or were. */
  #filled = 0
  /** How many blocks there are, known once the last is read; the last one is shorter than the others. */
  #total: number | undefined
  #lastBytes = 0

  constructor(source: BlockSource, blockBytes: number, windowBlocks: number) {
    this.#source = source
    this.#blockBytes = blockBytes
    const slots = Math.max(2 * windowBlocks, Math.ceil(readAheadBytes / blockBytes))
    const memory = Buffer.allocUnsafe(slots * (dataHeaderBytes + blockBytes))
    for (let slot = 0; slot < slots; slot++) {
      const start = slot * (dataHeaderBytes + blockBytes)
      this.#datagrams.push(memory.subarray(start, start + dataHeaderBytes + blockBytes))
      this.#bodies.push(memory.subarray(start + dataHeaderBytes, start + dataHeaderBytes + blockBytes))
    }
  }

  get total(): number | undefined {
    return this.#total
  }

  /** Bytes of the file in the blocks below `block`. */
  bytesBelow(block: number): number {
    const isWhole = this.#total !== undefined && block >= this.#total
    return isWhole ? (this.#total! - 1) * this.#blockBytes + this.#lastBytes : block * this.#blockBytes
  }

  /**
   * The datagram of a block that is not yet acknowledged, at most a window beyond the last that is; undefined behind the file's
   * end. It stays the ring's. Throws what the source does.
   */
  datagram(block: number, acknowledged: number): Buffer | undefined {
    while (block >= this.#filled && this.#total === undefined) this.#fill(acknowledged)
    if (block >= this.#filled) return undefined
    const datagram = this.#datagrams[block % this.#datagrams.length]!
    return block + 1 === this.#total ? datagram.subarray(0, dataHeaderBytes + this.#lastBytes) : datagram
  }

  /** Reads ahead over blocks below `acknowledged`. */
  #fill(acknowledged: number): void {
    const slots = this.#datagrams.length
    const first = this.#filled % slots
    const count = Math.min(slots - (this.#filled - acknowledged), slots - first)
    const bytes = this.#source.fill(this.#bodies.slice(first, first + count))
    const wholeBlocks = Math.floor(bytes / this.#blockBytes)
    if (wholeBlocks < count) {
      // A file of n whole blocks ends with an empty one (RFC 1350 §6).
      this.#total = this.#filled + wholeBlocks + 1
      this.#lastBytes = bytes % this.#blockBytes
    }
    const filled = this.#total ?? this.#filled + count
    for (; this.#filled < filled; this.#filled++) {
      writeDataHeader(this.#datagrams[this.#filled % slots]!, (this.#filled + 1) & 0xffff)
    }
  }
}
