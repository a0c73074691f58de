import { hash } from 'node:crypto'
import { type BlockMap, clearUnused, rowBytesOf } from '../../image/renditions/block-map.ts'
import { chunkBytes } from '../../image/tree.ts'
import type { BlockDevice } from './block-device.ts'
import type { DeviceProbe } from './choose-way.ts'
import { chunkIdBytes } from './row-comparison.ts'

const sampleRows = 24
const rateProbeBytes = 16 * 1024 * 1024
const rateReadBytes = 4 * 1024 * 1024

/** Looks at a few rows that are spread over the device, and reads one stretch to know its speed. Throws DeviceFailed. */
export async function probeDevice(
  device: BlockDevice,
  blocks: BlockMap,
  memory: SharedArrayBuffer,
): Promise<DeviceProbe> {
  const rows = spreadSample(blocks)
  let matches = 0
  const look = async (row: number, at: number) => {
    const bytes = new Uint8Array(memory, at * chunkBytes, rowBytesOf(blocks.sizeBytes, row))
    await device.read(bytes, row * chunkBytes)
    clearUnused(bytes, blocks.used[row]!)
    if (hash('sha256', bytes, 'buffer').equals(chunkIdBytes(blocks, blocks.chunkOfRow[row]!))) matches++
  }
  await Promise.all(rows.map(look))
  const matchShare = rows.length === 0 ? 0 : matches / rows.length
  return { matchShare, readBytesPerSecond: matches === 0 ? 0 : await measureReading(device, blocks, memory) }
}

function spreadSample(blocks: BlockMap): number[] {
  const rows = [...blocks.chunkOfRow.keys()].filter((row) => blocks.chunkOfRow[row]! >= 0)
  const step = Math.max(1, rows.length / sampleRows)
  return Array.from({ length: Math.min(sampleRows, rows.length) }, (_, at) => rows[Math.floor(at * step)]!)
}

async function measureReading(device: BlockDevice, blocks: BlockMap, memory: SharedArrayBuffer): Promise<number> {
  const start = Math.floor(blocks.sizeBytes / 2 / chunkBytes) * chunkBytes
  const end = Math.min(start + rateProbeBytes, Math.floor(blocks.sizeBytes / chunkBytes) * chunkBytes)
  const startedAt = performance.now()
  for (let at = start; at < end; at += rateReadBytes) {
    await device.read(new Uint8Array(memory, 0, Math.min(rateReadBytes, end - at)), at)
  }
  return ((end - start) / Math.max(performance.now() - startedAt, 0.001)) * 1000
}
