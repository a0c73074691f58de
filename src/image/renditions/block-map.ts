import { type ChunkTable, chunkBytes } from '../tree.ts'

/*
 * A rendition that is one long row of bytes: a filesystem's blocks (volume), a foreign whole disk, or a btrfs send
 * stream. It is cut into rows of 256 KiB from its first byte; each row has 64 blocks of 4 KiB.
 */

export const blockBytes = 4096
export const blocksPerRow = chunkBytes / blockBytes
export const fullRow = (1n << 64n) - 1n
/** Of what a map can describe; 8 TiB take 400 MiB of memory. */
export const maxMapBytes = 8 * 2 ** 40

export type BlockMap = {
  sizeBytes: number
  /**
   * One word a row; bit n stands for block n of the row. A clear bit: nobody cares what is there ("don't care"). A set
   * bit: the block is as the row's chunk says, or zeros where the row has no chunk. In a chunk, the bytes of blocks
   * nobody cares about are zeros, so a row can be compared by its hash once they are set to zero.
   */
  used: BigUint64Array
  /** Row of the chunk table; -1 where the row has none. */
  chunkOfRow: Int32Array
  /** One row for each row of the map that has data, in order. */
  chunks: ChunkTable
}

export function rowCountOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / chunkBytes)
}

/** The last row may be shorter. */
export function rowBytesOf(sizeBytes: number, row: number): number {
  return Math.min(chunkBytes, sizeBytes - row * chunkBytes)
}

/** The word of a row in which all blocks matter; the last row may have fewer blocks. */
export function fullMask(sizeBytes: number, row: number): bigint {
  const blocks = Math.ceil(rowBytesOf(sizeBytes, row) / blockBytes)
  return fullRow >> BigInt(blocksPerRow - blocks)
}

/** What a map says in sum. `usedBytes` counts blocks that matter, `dataBytes` the rows that are written as chunks. */
export function measureMap(map: BlockMap): { usedBytes: number; dataBytes: number; zeroBytes: number } {
  let usedBlocks = 0
  let zeroBlocks = 0
  let dataBytes = 0
  for (let row = 0; row < map.used.length; row++) {
    const count = countBits(map.used[row]!)
    usedBlocks += count
    if (map.chunkOfRow[row]! < 0) zeroBlocks += count
    else dataBytes += rowBytesOf(map.sizeBytes, row)
  }
  return { usedBytes: usedBlocks * blockBytes, dataBytes, zeroBytes: zeroBlocks * blockBytes }
}

/** Sets to zero, in the bytes of one row, the blocks that the mask does not name. */
export function clearUnused(bytes: Uint8Array, mask: bigint): void {
  if (mask === fullRow) return
  let start = -1
  const blocks = Math.ceil(bytes.length / blockBytes)
  for (let block = 0; block <= blocks; block++) {
    const isFree = block < blocks && ((mask >> BigInt(block)) & 1n) === 0n
    if (isFree && start < 0) start = block
    else if (!isFree && start >= 0) {
      bytes.fill(0, start * blockBytes, block * blockBytes)
      start = -1
    }
  }
}

function countBits(word: bigint): number {
  let count = 0
  for (const half of [Number(word & 0xffff_ffffn), Number(word >> 32n)]) {
    let bits = half - ((half >>> 1) & 0x5555_5555)
    bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
    count += Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
  }
  return count
}
