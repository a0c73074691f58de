import { availableParallelism } from 'node:os'
import { type BlockMap, measureMap } from '../../image/renditions/block-map.ts'
import { chunkBytes } from '../../image/tree.ts'
import { WorkerPool } from '../../image/worker-pool.ts'
import { takeTurns } from '../take-turns.ts'
import { BlockDevice } from './block-device.ts'
import { type BlockWindow, windowsOf } from './block-windows.ts'
import type { BlockJob, BlockReply } from './block-worker.ts'
import { RowComparison } from './row-comparison.ts'
import { allocateWindows, windowBytes, windowsAtOnce } from './window-memory.ts'

export type VerifyBlocksOptions = {
  device: string
  blocks: BlockMap
  /** Of the rows, how many are read: 1 is the whole device. Which ones is chance. */
  share: number
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { bytesDone: number; bytesTotal: number }) => void) | undefined
}

/** What a device gives back is not what was written. `offsets` are of rows of 256 KiB, up to twenty. */
export class BlocksDiffer extends Error {
  override readonly name = 'BlocksDiffer'
  readonly device: string
  readonly offsets: readonly number[]

  constructor(device: string, offsets: readonly number[], count: number) {
    const shown = offsets.slice(0, 5).join(', ')
    super(
      `What ${device} gives back is not what was written: ${count} stretches of 256 KiB differ, at byte ${shown}` +
        `${count > 5 ? ' …' : ''}; the disk, its cable or its controller is broken, or something else writes to it`,
    )
    this.device = device
    this.offsets = offsets
  }
}

const maxThreads = 8
const maxOffsets = 20

/** Reads a written device back from the disk itself, and compares. Flushes it first. Throws BlocksDiffer, DeviceFailed. */
export async function verifyBlocks(options: VerifyBlocksOptions): Promise<{ bytesRead: number }> {
  const { blocks, share } = options
  const threads = Math.min(maxThreads, availableParallelism())
  await using pool = new WorkerPool<BlockJob, BlockReply>(new URL('./block-worker.ts', import.meta.url), threads)
  await using device = await BlockDevice.open(options.device)
  await device.flush()
  const comparison = new RowComparison(blocks, device, pool)
  const windows = allocateWindows()
  const bytesTotal = Math.round(measureMap(blocks).dataBytes * share)
  const differing: number[] = []
  let bytesRead = 0
  const verify = async ({ startBytes, rows }: BlockWindow, lane: number) => {
    options.signal?.throwIfAborted()
    const chosen = share < 1 ? rows.filter(() => Math.random() < share) : rows
    const found = await comparison.differing({ startBytes, rows: chosen }, windows[lane]!)
    for (const { row } of found) differing.push(row * chunkBytes)
    for (const { sizeBytes } of chosen) bytesRead += sizeBytes
    options.onProgress?.({ bytesDone: Math.min(bytesRead, bytesTotal), bytesTotal })
  }
  await Promise.all(takeTurns(windowsOf(blocks, windowBytes), windowsAtOnce, verify))
  if (differing.length === 0) return { bytesRead }
  differing.sort((a, b) => a - b)
  throw new BlocksDiffer(options.device, differing.slice(0, maxOffsets), differing.length)
}
