import { type BlockMap, blockBytes, blocksPerRow, fullMask, rowBytesOf } from '../../image/renditions/block-map.ts'
import { chunkBytes } from '../../image/tree.ts'

/** A row of which some blocks matter; `chunk` is its row of the chunk table, -1 where those blocks are zeros. */
export type BlockRow = { row: number; sizeBytes: number; used: bigint; chunk: number }
/** Bytes of a device, from its start. */
export type Stretch = { offset: number; sizeBytes: number }
/** What is worked on at once: the rows that matter of so many bytes of the device, in order. */
export type BlockWindow = { startBytes: number; rows: BlockRow[] }

/** Windows of a whole number of rows; those of which nobody cares about anything are left out. */
export function windowsOf(map: BlockMap, windowBytes: number): BlockWindow[] {
  const windows: BlockWindow[] = []
  for (let row = 0; row < map.used.length; row++) {
    const used = map.used[row]!
    if (used === 0n) continue
    const startBytes = Math.floor((row * chunkBytes) / windowBytes) * windowBytes
    let window = windows.at(-1)
    if (window?.startBytes !== startBytes) {
      window = { startBytes, rows: [] }
      windows.push(window)
    }
    window.rows.push({ row, sizeBytes: rowBytesOf(map.sizeBytes, row), used, chunk: map.chunkOfRow[row]! })
  }
  return windows
}

/** Rows of which one follows the other, up to so many bytes. */
export function adjacentRows(rows: readonly BlockRow[], maxBytes: number): BlockRow[][] {
  const groups: BlockRow[][] = []
  for (const row of rows) {
    const group = groups.at(-1)
    if (group && group.at(-1)!.row + 1 === row.row && (group.length + 1) * chunkBytes <= maxBytes) group.push(row)
    else groups.push([row])
  }
  return groups
}

/** Only the blocks that matter, joined where one follows the other. */
export function stretchesOfBlocks(rows: readonly BlockRow[], maxBytes: number): Stretch[] {
  const stretches: Stretch[] = []
  for (const { row, sizeBytes, used } of rows) {
    const offset = row * chunkBytes
    if (used === fullMask(offset + sizeBytes, row)) {
      addStretch(stretches, offset, sizeBytes, maxBytes)
      continue
    }
    for (let block = 0, rest = used; block < blocksPerRow; block++, rest >>= 1n) {
      if ((rest & 1n) === 0n) continue
      const at = block * blockBytes
      addStretch(stretches, offset + at, Math.min(blockBytes, sizeBytes - at), maxBytes)
    }
  }
  return stretches
}

function addStretch(stretches: Stretch[], offset: number, sizeBytes: number, maxBytes: number): void {
  const last = stretches.at(-1)
  if (last && last.offset + last.sizeBytes === offset && last.sizeBytes + sizeBytes <= maxBytes) {
    last.sizeBytes += sizeBytes
  } else stretches.push({ offset, sizeBytes })
}
