import type { BlockMap } from '../../image/renditions/block-map.ts'
import { chunkBytes } from '../../image/tree.ts'
import type { WorkerPool } from '../../image/worker-pool.ts'
import { takeTurns } from '../take-turns.ts'
import type { BlockDevice } from './block-device.ts'
import { adjacentRows, type BlockRow, type BlockWindow } from './block-windows.ts'
import type { BlockJob, BlockReply, ComparedRow } from './block-worker.ts'

const readBytes = 4 * 1024 * 1024
const readsAtOnce = 4

/** Compares what a device holds with a block map, in the memory of a window, on all processors. */
export class RowComparison {
  readonly #blocks: BlockMap
  readonly #device: BlockDevice
  readonly #pool: WorkerPool<BlockJob, BlockReply>

  constructor(blocks: BlockMap, device: BlockDevice, pool: WorkerPool<BlockJob, BlockReply>) {
    this.#blocks = blocks
    this.#device = device
    this.#pool = pool
  }

  /** Those of the rows that are not as the map says. Throws DeviceFailed. */
  async differing({ startBytes, rows }: BlockWindow, window: SharedArrayBuffer): Promise<BlockRow[]> {
    const differing = new Set<number>()
    const compare = async (group: BlockRow[]) => {
      const offset = group[0]!.row * chunkBytes
      const sizeBytes = group.reduce((sum, row) => sum + row.sizeBytes, 0)
      await this.#device.read(new Uint8Array(window, offset - startBytes, sizeBytes), offset)
      const compared = group.map((row) => this.#comparedRow(row, startBytes))
      const reply = await this.#pool.run({ kind: 'compare', window, rows: compared })
      for (const row of reply.differing) differing.add(row)
    }
    await Promise.all(takeTurns(adjacentRows(rows, readBytes), readsAtOnce, compare))
    return rows.filter(({ row }) => differing.has(row))
  }

  #comparedRow({ row, sizeBytes, used, chunk }: BlockRow, startBytes: number): ComparedRow {
    const at = row * chunkBytes - startBytes
    return { row, at, sizeBytes, used, id: chunk < 0 ? undefined : chunkIdBytes(this.#blocks, chunk) }
  }
}

/** A copy: a view would take all of the table along to another thread. */
export function chunkIdBytes({ chunks }: BlockMap, chunk: number): Uint8Array {
  return new Uint8Array(chunks.ids.subarray(chunk * 32, chunk * 32 + 32))
}
