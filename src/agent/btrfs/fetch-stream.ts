import { availableParallelism } from 'node:os'
import type { PackLocations } from '../../image/locations.ts'
import type { OpenedRendition } from '../../image/renditions/open-rendition.ts'
import { chunkBytes, chunkIdOfRow } from '../../image/tree.ts'
import { WorkerPool } from '../../image/worker-pool.ts'
import { type BlockWindow, windowsOf } from '../blocks/block-windows.ts'
import type { BlockJob, BlockReply, PlacedChunk } from '../blocks/block-worker.ts'
import { ChunkPlaces } from '../blocks/chunk-places.ts'
import { fetchChunks } from '../fetch-chunks.ts'
import { type FetchRange, maxRangeBytes } from '../write-tree-plan.ts'
import type { VersionSource } from '../write-tree-source.ts'

export type FetchedStream = OpenedRendition & { locations: PackLocations[] }

const windowBytes = 4 * 1024 * 1024
const windowsAhead = 4
const maxThreads = 4

/**
 * The bytes of a send stream from the first to the last, in pieces of 4 MiB, each chunk checked against its id before any of
 * it is given out. A few pieces are fetched ahead, never more: who reads slowly is waited for. A piece's memory is used
 * again when the next one is asked for. Throws ChunkInvalid, FetchFailed, WorkerJobFailed.
 */
export async function* fetchStream(source: VersionSource, stream: FetchedStream): AsyncGenerator<Buffer> {
  const program = new URL('../blocks/block-worker.ts', import.meta.url)
  await using pool = new WorkerPool<BlockJob, BlockReply>(program, Math.min(maxThreads, availableParallelism()))
  const pieces = new StreamPieces(source, stream, pool)
  const ahead: Promise<Buffer>[] = []
  for (const window of windowsOf(stream.blocks, windowBytes)) {
    const piece = pieces.fetch(window)
    piece.catch(() => undefined) // met when its turn comes
    ahead.push(piece)
    if (ahead.length > windowsAhead) yield* pieces.lend(await ahead.shift()!)
  }
  for (const piece of ahead) yield* pieces.lend(await piece)
}

class StreamPieces {
  readonly #source: VersionSource
  readonly #stream: FetchedStream
  readonly #pool: WorkerPool<BlockJob, BlockReply>
  readonly #places: ChunkPlaces
  /** For ranges on their way, and for pieces; used again and again. */
  readonly #memories: SharedArrayBuffer[] = []
  readonly #windows: SharedArrayBuffer[] = []

  constructor(source: VersionSource, stream: FetchedStream, pool: WorkerPool<BlockJob, BlockReply>) {
    this.#source = source
    this.#stream = stream
    this.#pool = pool
    this.#places = new ChunkPlaces(stream.blocks.chunks, stream.locations)
  }

  async fetch({ startBytes, rows }: BlockWindow): Promise<Buffer> {
    const last = rows.at(-1)!
    const window = this.#windows.pop() ?? new SharedArrayBuffer(windowBytes)
    const piece = Buffer.from(window, 0, last.row * chunkBytes + last.sizeBytes - startBytes)
    for (const { chunk, row, sizeBytes } of rows) {
      const at = row * chunkBytes - startBytes
      if (chunk < 0) piece.fill(0, at, at + sizeBytes)
    }
    const { ranges, rowsOf } = this.#places.wanted(rows.filter(({ chunk }) => chunk >= 0))
    const placesOf = (row: number) => rowsOf.get(row)!.map((wanted) => wanted.row * chunkBytes - startBytes)
    for (const range of ranges) await this.#fetchRange(range, window, placesOf)
    return piece
  }

  /** Gives the piece out, and takes its memory back. */
  *lend(piece: Buffer): Generator<Buffer> {
    yield piece
    this.#windows.push(piece.buffer as unknown as SharedArrayBuffer)
  }

  async #fetchRange(range: FetchRange, window: SharedArrayBuffer, placesOf: (row: number) => number[]): Promise<void> {
    const { ids, sizes } = this.#stream.blocks.chunks
    const memory = this.#memories.pop() ?? new SharedArrayBuffer(maxRangeBytes)
    const used = await fetchChunks(this.#source, range, memory, {
      use: async (stored, start, locations) => {
        const chunks = locations.map((location): PlacedChunk => {
          const { row } = location
          const id = new Uint8Array(ids.subarray(row * 32, row * 32 + 32)) // not a view: all of the table would travel
          return { ...location, id, sizeBytes: sizes[row]!, places: placesOf(row) }
        })
        const { invalid } = await this.#pool.run({ kind: 'unpack', window, stored, start, chunks })
        return { memory: stored, invalid }
      },
      describe: (row) => ({
        chunkId: chunkIdOfRow(this.#stream.blocks.chunks, row),
        place: `the stream ${this.#stream.header.rendition}`,
      }),
    })
    this.#memories.push(used)
  }
}
