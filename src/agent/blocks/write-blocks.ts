import { availableParallelism } from 'node:os'
import { decodeLocations, type RowLocation } from '../../image/locations.ts'
import { type BlockMap, measureMap } from '../../image/renditions/block-map.ts'
import { chunkBytes, chunkIdOfRow } from '../../image/tree.ts'
import { WorkerPool } from '../../image/worker-pool.ts'
import { fetchChunks } from '../fetch-chunks.ts'
import { takeTurns } from '../take-turns.ts'
import { maxRangeBytes } from '../write-tree-plan.ts'
import { VersionSource } from '../write-tree-source.ts'
import { BlockDevice } from './block-device.ts'
import { type BlockRow, type BlockWindow, type Stretch, stretchesOfBlocks, windowsOf } from './block-windows.ts'
import type { BlockJob, BlockReply, PlacedChunk } from './block-worker.ts'
import { chooseWay, type WriteWay } from './choose-way.ts'
import { ChunkPlaces } from './chunk-places.ts'
import { type BlockOptions, fetchBlockLocations, openBlockRendition } from './open-block-rendition.ts'
import { probeDevice } from './probe-device.ts'
import { chunkIdBytes, RowComparison } from './row-comparison.ts'
import { allocateWindows, windowBytes, windowsAtOnce } from './window-memory.ts'

export type WriteBlocksOptions = BlockOptions & {
  /** A partition, a disk or a file, of which nothing is mounted. */
  device: string
  /** Tells a device that holds nothing of the version that nothing on it matters, before it is written. */
  discard?: ((device: string) => Promise<unknown>) | undefined
  /** The network's speed, where it is known: it helps to decide what is quicker. */
  linkBytesPerSecond?: number | undefined
  onProgress?: ((progress: BlockProgress) => void) | undefined
}

/** Bytes of rows with data. */
export type BlockProgress = { bytesDone: number; bytesTotal: number; bytesFetched: number }

/** `bytesReused` was there already; `bytesWritten` is what went to the device, zeros too. */
export type WriteBlocksResult = {
  bytesFetched: number
  bytesWritten: number
  bytesReused: number
  way: WriteWay
  /** What the device now holds, for reading it back. */
  blocks: BlockMap
}

/** The device cannot hold the rendition. */
export class DeviceRefused extends Error {
  override readonly name = 'DeviceRefused'
}

const maxThreads = 8
const maxLanes = 4
const writeBytes = 4 * 1024 * 1024
const writesAtOnce = 4

/**
 * Fetches a version's blocks, checks every byte against the signed manifest before it is written, and writes those that
 * matter: all of them, or those that are not there yet. What was cut off at any moment is finished by doing it again.
 * It is on the disk when this resolves. Throws SignatureRefused, RenditionRefused, DecodeError, ChunkInvalid, FetchFailed,
 * DeviceFailed, DeviceRefused, WorkerJobFailed.
 */
export async function writeBlocks(options: WriteBlocksOptions): Promise<WriteBlocksResult> {
  using source = new VersionSource(options)
  const threads = Math.min(maxThreads, availableParallelism())
  // First, so that the threads start while the manifest is on its way.
  await using pool = new WorkerPool<BlockJob, BlockReply>(new URL('./block-worker.ts', import.meta.url), threads)
  const locations = fetchBlockLocations(source, options)
  locations.catch(() => undefined) // met below
  const { blocks, statement } = await openBlockRendition(source, options)
  await using device = await BlockDevice.open(options.device)
  refuseDevice(device, blocks, options)
  const windows = allocateWindows()
  const unpacking = Math.max(1, blocks.sizeBytes / Math.max(1, statement.storedBytes))
  const link = options.linkBytesPerSecond === undefined ? undefined : options.linkBytesPerSecond * unpacking
  const way = chooseWay(await probeDevice(device, blocks, windows[0]!), link)
  const places = new ChunkPlaces(blocks.chunks, decodeLocations(await locations, statement.manifest, blocks.chunks))
  const lanes = Math.min(maxLanes, threads + 1)
  const writer = new BlockWriter({ source, pool, device, blocks, places, options, lanes })
  // What is fetched meanwhile waits for it.
  if (way.discard) writer.inTurn(async () => void (await options.discard?.(device.path)))
  const write = (window: BlockWindow, lane: number) => writer.write(window, windows[lane]!, way.way === 'compare')
  await Promise.all(takeTurns(windowsOf(blocks, windowBytes), windowsAtOnce, write))
  await device.flush()
  const { bytesWritten, bytesReused } = writer
  return { bytesFetched: source.bytesFetched, bytesWritten, bytesReused, way, blocks }
}

/** Before anything is written. */
function refuseDevice(device: BlockDevice, blocks: BlockMap, { rendition, version }: WriteBlocksOptions): void {
  const what = `${rendition} of version ${version.slice(0, 12)}`
  if (device.sizeBytes < blocks.sizeBytes) {
    throw new DeviceRefused(
      `Cannot write ${what} to ${device.path}: it has ${device.sizeBytes} bytes and ${blocks.sizeBytes} are needed`,
    )
  }
  if (rendition === 'disk' && device.sectorBytes > 512) {
    throw new DeviceRefused(
      `Cannot write ${what} to ${device.path}: its partition table counts sectors of 512 bytes and this disk has sectors ` +
        `of ${device.sectorBytes}; import it with --as-files and deploy its tree or a volume`,
    )
  }
}

type Parts = {
  source: VersionSource
  pool: WorkerPool<BlockJob, BlockReply>
  device: BlockDevice
  blocks: BlockMap
  places: ChunkPlaces
  options: WriteBlocksOptions
  /** Ranges that are fetched at once for a window. */
  lanes: number
}

class BlockWriter {
  bytesWritten = 0
  bytesReused = 0
  readonly #parts: Parts
  readonly #comparison: RowComparison
  readonly #bytesTotal: number
  readonly #idle: SharedArrayBuffer[] = []
  #bytesDone = 0
  #lastWrite: Promise<void> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#comparison = new RowComparison(parts.blocks, parts.device, parts.pool)
    this.#bytesTotal = measureMap(parts.blocks).dataBytes
  }

  async write(window: BlockWindow, memory: SharedArrayBuffer, isCompared: boolean): Promise<void> {
    this.#parts.options.signal?.throwIfAborted()
    const rows = isCompared ? await this.#comparison.differing(window, memory) : window.rows
    this.bytesReused += dataBytes(window.rows) - dataBytes(rows)
    const withData = rows.filter(({ chunk }) => chunk >= 0)
    await this.#fetch(withData, window.startBytes, memory)
    // One window after the other: a disk that has to seek is written from its start to its end.
    await this.inTurn(async () => {
      const write = ({ offset, sizeBytes }: Stretch) =>
        this.#parts.device.write(new Uint8Array(memory, offset - window.startBytes, sizeBytes), offset)
      await this.#each(stretchesOfBlocks(withData, writeBytes), write)
      const zeros = stretchesOfBlocks(
        rows.filter(({ chunk }) => chunk < 0),
        windowBytes,
      )
      await this.#each(zeros, ({ offset, sizeBytes }) => this.#parts.device.writeZeros(offset, sizeBytes))
    })
    this.#tell(dataBytes(window.rows))
  }

  async #fetch(rows: readonly BlockRow[], startBytes: number, memory: SharedArrayBuffer): Promise<void> {
    const { source, places, blocks, options, lanes } = this.#parts
    const { ranges, rowsOf } = places.wanted(rows)
    const use = async (stored: SharedArrayBuffer, start: number, chunks: readonly RowLocation[]) => {
      const placed = chunks.map((chunk) => this.#placedChunk(chunk, rowsOf.get(chunk.row)!, startBytes))
      const job = { kind: 'unpack' as const, window: memory, stored, start, chunks: placed }
      return { memory: stored, invalid: (await this.#parts.pool.run(job)).invalid }
    }
    const describe = (row: number) => ({
      chunkId: chunkIdOfRow(blocks.chunks, row),
      place: `byte ${rowsOf.get(row)![0]!.row * chunkBytes} of ${options.device}`,
    })
    const fetches = takeTurns(ranges, lanes, async (range) => {
      options.signal?.throwIfAborted()
      const stored = this.#idle.pop() ?? new SharedArrayBuffer(maxRangeBytes)
      this.#idle.push(await fetchChunks(source, range, stored, { use, describe }))
    })
    await Promise.all(fetches)
  }

  #placedChunk(location: RowLocation, rows: readonly BlockRow[], startBytes: number): PlacedChunk {
    const { blocks } = this.#parts
    const id = chunkIdBytes(blocks, location.row)
    const places = rows.map(({ row }) => row * chunkBytes - startBytes)
    return { ...location, id, sizeBytes: blocks.chunks.sizes[location.row]!, places }
  }

  async #each(stretches: readonly Stretch[], work: (stretch: Stretch) => Promise<void>): Promise<void> {
    const write = async (stretch: Stretch) => {
      await work(stretch)
      this.bytesWritten += stretch.sizeBytes
    }
    await Promise.all(takeTurns(stretches, writesAtOnce, write))
  }

  /** One after the other; after one that failed none is begun. */
  inTurn(work: () => Promise<void>): Promise<void> {
    this.#lastWrite = this.#lastWrite.then(work)
    this.#lastWrite.catch(() => undefined) // who waits for it, or comes later, hears of it
    return this.#lastWrite
  }

  #tell(bytes: number): void {
    this.#bytesDone += bytes
    const { bytesFetched } = this.#parts.source
    this.#parts.options.onProgress?.({ bytesDone: this.#bytesDone, bytesTotal: this.#bytesTotal, bytesFetched })
  }
}

function dataBytes(rows: readonly BlockRow[]): number {
  return rows.reduce((sum, { chunk, sizeBytes }) => (chunk < 0 ? sum : sum + sizeBytes), 0)
}
