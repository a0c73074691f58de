import type { ChunkWriter } from '../chunk-writer.ts'
import { chunkBytes } from '../tree.ts'
import { type BlockMap, fullMask, rowBytesOf, rowCountOf } from './block-map.ts'

const zeros = Buffer.alloc(chunkBytes)

/** Collects the rows of a rendition in order, and gives those that are not all zeros to the chunk writer. */
export class BlockMapBuilder {
  readonly #chunks: ChunkWriter | undefined
  readonly #rows: { used: bigint; id: Uint8Array | undefined; hasChunk: boolean }[] = []

  /** Without a chunk writer only known chunks can be added. */
  constructor(chunks?: ChunkWriter) {
    this.#chunks = chunks
  }

  get rowCount(): number {
    return this.#rows.length
  }

  /**
   * Takes the memory of `bytes`, one row, in which blocks that `used` does not name are zeros already. Rows of zeros
   * become such.
   */
  async addRow(bytes: Uint8Array<ArrayBuffer>, used: bigint): Promise<void> {
    if (zeros.subarray(0, bytes.length).equals(bytes)) {
      this.addRowWithoutChunk(used)
      return
    }
    const row = { used, id: undefined as Uint8Array | undefined, hasChunk: true }
    this.#rows.push(row)
    await this.#chunks!.add(bytes, (id) => {
      row.id = id
    })
  }

  /** Of zeros where `used` names blocks; nobody cares about the others. */
  addRowWithoutChunk(used: bigint): void {
    this.#rows.push({ used, id: undefined, hasChunk: false })
  }

  /** A row whose chunk the repository has. */
  addKnownRow(id: Uint8Array, used: bigint): void {
    this.#rows.push({ used, id, hasChunk: true })
  }

  /** Call when the chunk writer has finished. `used` is cut to the blocks that the last row has. */
  finish(sizeBytes: number): BlockMap {
    const count = this.#rows.filter(({ hasChunk }) => hasChunk).length
    const chunks = { count, ids: Buffer.alloc(count * 32), sizes: new Uint32Array(count) }
    if (this.#rows.length !== rowCountOf(sizeBytes)) {
      throw new RangeError(`${this.#rows.length} rows do not make ${sizeBytes} bytes`)
    }
    const used = new BigUint64Array(this.#rows.length)
    const chunkOfRow = new Int32Array(this.#rows.length).fill(-1)
    let chunk = 0
    for (const [row, { used: mask, id, hasChunk }] of this.#rows.entries()) {
      used[row] = mask & fullMask(sizeBytes, row)
      if (!hasChunk) continue
      chunks.ids.set(id!, chunk * 32)
      chunks.sizes[chunk] = rowBytesOf(sizeBytes, row)
      chunkOfRow[row] = chunk++
    }
    return { sizeBytes, used, chunkOfRow, chunks }
  }
}
