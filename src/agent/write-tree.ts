import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { applyPathMetadata, pathBelow } from '../image/entry-metadata.ts'
import type { RowLocation } from '../image/locations.ts'
import { chunkIdOfRow, type Entry, type FileEntry, type LinkEntry, type Tree } from '../image/tree.ts'
import { WorkerPool } from '../image/worker-pool.ts'
import { EarlyFlush } from './early-flush.ts'
import { fetchChunks } from './fetch-chunks.ts'
import { fetchLocations, openVersion, type VersionOptions } from './open-version.ts'
import { takeTurns } from './take-turns.ts'
import {
  coalesceRanges,
  type FetchRange,
  groupPaths,
  isLarge,
  maxRangeBytes,
  type Piece,
  piecesOfChunks,
} from './write-tree-plan.ts'
import { VersionSource } from './write-tree-source.ts'
import type { WriteChunk, WriteJob, WriteReply } from './write-tree-worker.ts'

/** Bytes of files' content, of all that the tree holds. */
export type TreeProgress = { bytesDone: number; bytesTotal: number }

export type WriteTreeOptions = VersionOptions & {
  /** An empty directory, but for lost+found: a freshly made filesystem. */
  targetDirectory: string
  onProgress?: ((progress: TreeProgress & { bytesFetched: number }) => void) | undefined
}

/** `bytesReused` is content that was there already: 0, because a write begins on an empty filesystem. */
export type WriteTreeResult = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/** A tree is only written where nothing is: what lies there could be symlinks to anywhere. */
export class TargetNotEmpty extends Error {
  override readonly name = 'TargetNotEmpty'
}

const maxThreads = 8
const membersAtOnce = 256
const flushEveryBytes = 64 * 1024 * 1024

/**
 * Fetches a version's tree, checks every byte of it against the signed manifest before it is written, and writes it. A
 * server that goes away is waited for, and the write goes on where it was; an agent that is started again starts over,
 * on a new filesystem. The caller flushes. Throws SignatureRefused, ManifestInvalid, DecodeError, ChunkInvalid,
 * FetchFailed, TargetNotEmpty, WorkerJobFailed.
 */
export async function writeTree(options: WriteTreeOptions): Promise<WriteTreeResult> {
  using source = new VersionSource(options)
  const threads = Math.min(maxThreads, availableParallelism())
  // First, so that the threads start while the manifest is on its way.
  await using pool = new WorkerPool<WriteJob, WriteReply>(new URL('./write-tree-worker.ts', import.meta.url), threads)
  const { tree } = await openVersion(source, options)
  const locations = fetchLocations(source, options.version, tree)
  locations.catch(() => undefined) // met below, when the directories are made
  await using flush = new EarlyFlush(options.targetDirectory, flushEveryBytes)
  const writer = new TreeWriter({ tree, source, pool, flush, options })
  writer.makeDirectories()
  const ranges = coalesceRanges(await locations)
  await Promise.all([writer.writeMembers(), ...writer.writeRanges(ranges, threads * 2 + 1)])
  await writer.finishFiles()
  writer.finishDirectories()
  return { bytesFetched: source.bytesFetched, bytesWritten: writer.bytesWritten, bytesReused: 0 }
}

type Parts = {
  tree: Tree
  source: VersionSource
  pool: WorkerPool<WriteJob, WriteReply>
  flush: EarlyFlush
  options: WriteTreeOptions
}

class TreeWriter {
  bytesWritten = 0
  readonly #parts: Parts
  readonly #directory: string
  readonly #pieces: Piece[][]

  constructor(parts: Parts) {
    this.#parts = parts
    this.#directory = parts.options.targetDirectory.replace(/(?<=.)\/+$/, '')
    this.#pieces = piecesOfChunks(parts.tree)
  }

  /** Directories, for us alone until the end, and large files at their size. Everything else can come in any order then. */
  makeDirectories(): void {
    const directory = this.#directory
    const there = readdirSync(directory).filter((name) => name !== 'lost+found')
    if (there.length > 0) {
      const seen = there.slice(0, 5).join(', ')
      throw new TargetNotEmpty(`Cannot write a tree into ${directory}: it already holds ${seen}; use a new filesystem`)
    }
    chownSync(directory, process.geteuid!(), process.getegid!())
    chmodSync(directory, 0o700) // a set-group-ID bit would pass its group on to what is made in it
    for (const entry of this.#parts.tree.entries) {
      if (entry.type === 'directory' && entry.path !== '') {
        mkdirSync(pathBelow(directory, entry.path), { mode: 0o700, recursive: entry.path === 'lost+found' })
      } else if (entry.type === 'file' && isLarge(entry)) this.#makeLargeFile(entry)
    }
  }

  async writeMembers(): Promise<void> {
    const isBare = (entry: Tree['entries'][number]): entry is Entry =>
      entry.type !== 'directory' && entry.type !== 'link' && (entry.type !== 'file' || entry.sizeBytes === 0)
    const batches = inBatches(this.#parts.tree.entries.filter(isBare))
    for (const entries of batches) await this.#parts.pool.run({ kind: 'members', directory: this.#directory, entries })
  }

  /** As many loops as ranges may be under way, each with the memory for one. */
  writeRanges(ranges: readonly FetchRange[], lanes: number): Promise<void>[] {
    const memories = Array.from({ length: lanes }, () => new ArrayBuffer(maxRangeBytes))
    return takeTurns(ranges, lanes, async (range, lane) => {
      memories[lane] = await this.#writeRange(range, memories[lane]!)
    })
  }

  async #writeRange(range: FetchRange, memory: ArrayBuffer): Promise<ArrayBuffer> {
    const { source, tree, options } = this.#parts
    options.signal?.throwIfAborted()
    return fetchChunks(source, range, memory, {
      use: (fetched, start, chunks) =>
        this.#writeChunks(
          fetched,
          start,
          chunks.map((location) => this.#writeChunk(location)),
        ),
      describe: (row) => ({ chunkId: chunkIdOfRow(tree.chunks, row), place: this.#pieces[row]![0]!.path }),
    })
  }

  /** What can only be done when the content is there: metadata of large files, then hard links. */
  async finishFiles(): Promise<void> {
    const { entries } = this.#parts.tree
    const large = entries.filter((entry): entry is FileEntry => entry.type === 'file' && isLarge(entry))
    const batches = inBatches(large).map((batch) =>
      this.#parts.pool.run({ kind: 'large-files', directory: this.#directory, entries: batch }),
    )
    await Promise.all(batches)
    const firstPaths = groupPaths(this.#parts.tree)
    const links = entries.filter((entry): entry is LinkEntry => entry.type === 'link')
    for (const { path, group } of links) {
      linkSync(pathBelow(this.#directory, firstPaths[group]!), pathBelow(this.#directory, path))
    }
  }

  /** Last, because everything made in a directory changes its time; from the leaves up, because a mode may shut us out. */
  finishDirectories(): void {
    for (const entry of this.#parts.tree.entries.toReversed()) {
      if (entry.type === 'directory') applyPathMetadata(pathBelow(this.#directory, entry.path), entry)
    }
  }

  #makeLargeFile(entry: FileEntry): void {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    const fd = openSync(pathBelow(this.#directory, entry.path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      ftruncateSync(fd, entry.sizeBytes) // what no block is written to stays a hole
    } finally {
      closeSync(fd)
    }
  }

  #writeChunk(location: RowLocation): WriteChunk {
    const { row } = location
    const { ids, sizes } = this.#parts.tree.chunks
    const id = new Uint8Array(ids.subarray(row * 32, row * 32 + 32)) // not a view: all of the table would travel
    return { ...location, id, sizeBytes: sizes[row]!, pieces: this.#pieces[row]! }
  }

  async #writeChunks(memory: ArrayBuffer, start: number, chunks: WriteChunk[]) {
    const { pool, options, tree, source, flush } = this.#parts
    const job: WriteJob = { kind: 'chunks', directory: this.#directory, memory, start, chunks }
    const reply = await pool.run(job, [memory])
    this.bytesWritten += reply.bytesWritten
    flush.wrote(this.bytesWritten)
    const { bytesWritten: bytesDone } = this
    options.onProgress?.({ bytesDone, bytesTotal: tree.sizeBytes, bytesFetched: source.bytesFetched })
    return { invalid: reply.invalid, memory: reply.memory! }
  }
}

function inBatches<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / membersAtOnce) }, (_, at) =>
    items.slice(at * membersAtOnce, (at + 1) * membersAtOnce),
  )
}
