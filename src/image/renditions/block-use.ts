import { blockBytes, blocksPerRow } from './block-map.ts'

const free = 0
const used = 1
const zero = 2

/** What a filesystem says of each of its 4 KiB blocks. All are used at first. */
export class BlockUse {
  readonly #states: Uint8Array

  constructor(sizeBytes: number) {
    this.#states = new Uint8Array(Math.ceil(sizeBytes / blockBytes)).fill(used)
  }

  get blockCount(): number {
    return this.#states.length
  }

  markFree(start: number, count: number): void {
    this.#states.fill(free, start, start + count)
  }

  markUsed(start: number, count: number): void {
    this.#states.fill(used, start, start + count)
  }

  /** Blocks that are in use and are to be read as zeros, whatever is there. */
  markZero(start: number, count: number): void {
    this.#states.fill(zero, start, start + count)
  }

  /** Words of a row of a block map: all blocks that matter, and those of them that have data. */
  row(row: number): { used: bigint; data: bigint } {
    const states = this.#states.subarray(row * blocksPerRow, (row + 1) * blocksPerRow)
    let [usedBits, dataBits] = [0n, 0n]
    for (let block = states.length - 1; block >= 0; block--) {
      usedBits = (usedBits << 1n) | (states[block] === free ? 0n : 1n)
      dataBits = (dataBits << 1n) | (states[block] === used ? 1n : 0n)
    }
    return { used: usedBits, data: dataBits }
  }

  /** How much is data of the rows in which some is: 1 where no row has a gap. */
  density(): number {
    let [blocks, rowBlocks] = [0, 0]
    for (let start = 0; start < this.#states.length; start += blocksPerRow) {
      const row = this.#states.subarray(start, start + blocksPerRow)
      const count = row.reduce((sum, state) => sum + (state === used ? 1 : 0), 0)
      blocks += count
      if (count > 0) rowBlocks += row.length
    }
    return rowBlocks === 0 ? 1 : blocks / rowBlocks
  }
}
