import { type ChunkTable, type Content, chunkBytes } from './tree.ts'

type Placed = { kind: 'placed'; dataBytes: number } | { kind: 'refused'; reason: string }

/**
 * The rule by which contents fill the rows of the chunk table, checked file by file: a small file goes behind the last
 * one of its directory where it still fits into 256 KiB, else opens the next row; a large file takes the next rows, one
 * for each block that is no hole. So every byte of every row belongs to exactly one file.
 */
export class ContentOrder {
  #nextRow = 0
  #bundleRow = -1
  #bundleBytes = 0
  /** How full each row is. */
  readonly #filled: Uint32Array

  /** `rowCount` is how many rows the chunk table is said to have: content beyond them is refused. */
  constructor(rowCount: number) {
    this.#filled = new Uint32Array(rowCount)
  }

  endDirectory(): void {
    this.#bundleRow = -1
  }

  place(content: Content): Placed {
    const { sizeBytes, row, at, holes } = content
    if (sizeBytes === 0)
      return row === 0 && at === 0 && holes.length === 0 ? placed(0) : refused('an empty file has content')
    if (sizeBytes > chunkBytes) return this.#placeLarge(content)
    if (holes.length > 0) return refused('a file in one chunk has holes')
    const fits = this.#bundleRow >= 0 && this.#bundleBytes + sizeBytes <= chunkBytes
    if (!fits) {
      if (this.#nextRow >= this.#filled.length) return refused('its content lies behind the chunk table')
      this.#bundleRow = this.#nextRow++
      this.#bundleBytes = 0
    }
    if (row !== this.#bundleRow || at !== this.#bundleBytes) {
      return refused(
        `its content is said to be in row ${row} at ${at}, not in ${this.#bundleRow} at ${this.#bundleBytes}`,
      )
    }
    this.#bundleBytes += sizeBytes
    this.#filled[row] = this.#bundleBytes
    return placed(sizeBytes)
  }

  /** The first row whose size is not what the files fill; undefined when all agree. */
  firstWrongRow(chunks: ChunkTable): number | undefined {
    if (chunks.count !== this.#nextRow) return Math.min(chunks.count, this.#nextRow)
    for (let row = 0; row < chunks.count; row++) if (chunks.sizes[row] !== this.#filled[row]) return row
    return undefined
  }

  #placeLarge({ sizeBytes, row, at, holes }: Content): Placed {
    if (row !== this.#nextRow || at !== 0)
      return refused(`its content is said to be in row ${row}, not ${this.#nextRow}`)
    const blocks = Math.ceil(sizeBytes / chunkBytes)
    let dataBytes = sizeBytes
    let behind = -1 // the block behind the last hole: runs that touch would be one run
    let dataBlocks = blocks
    for (const [block, count] of holes) {
      if (count < 1 || block <= behind || block + count > blocks) return refused('its holes are not in order')
      behind = block + count
      dataBlocks -= count
      dataBytes -= Math.min(sizeBytes, behind * chunkBytes) - block * chunkBytes
    }
    const end = this.#nextRow + dataBlocks
    if (end > this.#filled.length) return refused('its content lies behind the chunk table')
    this.#filled.fill(chunkBytes, this.#nextRow, end)
    if (dataBlocks > 0 && behind !== blocks) this.#filled[end - 1] = sizeBytes - (blocks - 1) * chunkBytes
    this.#nextRow = end
    return placed(dataBytes)
  }
}

function placed(dataBytes: number): Placed {
  return { kind: 'placed', dataBytes }
}

function refused(reason: string): Placed {
  return { kind: 'refused', reason }
}
