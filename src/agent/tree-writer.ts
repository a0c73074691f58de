import { linkSync, lstatSync, renameSync, statfsSync } from 'node:fs'
import { pathBelow } from '../image/entry-metadata.ts'
import type { PackLocations, RowLocation } from '../image/locations.ts'
import { chunkIdOfRow, type Tree } from '../image/tree.ts'
import type { WorkerPool } from '../image/worker-pool.ts'
import type { EarlyFlush } from './early-flush.ts'
import { fetchChunks } from './fetch-chunks.ts'
import type { OldChunk, OldVersion } from './old-version.ts'
import { removeTree } from './remove-tree.ts'
import type { ReusePlan } from './reuse-tree.ts'
import { takeTurns } from './take-turns.ts'
import type { TargetDirectories } from './target-directories.ts'
import type { LargeFile } from './tree-work.ts'
import type { WriteTreeOptions } from './write-tree.ts'
import { coalesceRanges, type FetchRange, groupPaths, maxRangeBytes } from './write-tree-plan.ts'
import type { VersionSource } from './write-tree-source.ts'
import type { WriteChunk, WriteJob, WriteReply } from './write-tree-worker.ts'

type Parts = {
  tree: Tree
  plan: ReusePlan
  source: VersionSource
  pool: WorkerPool<WriteJob, WriteReply>
  flush: EarlyFlush
  directory: string
  directories: TargetDirectories
  keptPaths: readonly string[]
  options: WriteTreeOptions
}

const entriesAtOnce = 256
const copiesAtOnce = 16

/** Does the work of a plan, whose directories are made; writeTree() has the order. */
export class TreeWriter {
  bytesWritten = 0
  bytesReused: number
  readonly #parts: Parts
  readonly #missing = new Set<number>()
  #extras: readonly string[]
  #places: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
    this.bytesReused = parts.plan.bytesReused
    this.#extras = parts.plan.extras
    for (const [row, pieces] of parts.plan.work.pieces.entries()) if (pieces.length > 0) this.#missing.add(row)
  }

  /** Rows of the chunk table whose content is still to come. */
  get missingRows(): number[] {
    return [...this.#missing]
  }

  /** What is to go stays until the end, because it may help to make what is new; unless it takes the room for that. */
  makeRoom(): void {
    const { directory, plan } = this.#parts
    const { pieces, largeFiles, copies } = plan.work
    const made = [...pieces.flat(), ...largeFiles.flatMap(({ kept }) => kept), ...copies.map(({ entry }) => entry)]
    const neededBytes = made.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const { bavail, bsize } = statfsSync(directory)
    if (bavail * bsize < neededBytes) this.removeExtras()
  }

  /** Directories and large files. In a thread, while the first bytes come; what goes into them waits for it. */
  makePlaces(): void {
    const { directory, plan, pool } = this.#parts
    const { directories } = plan.work
    const largeFiles = plan.work.largeFiles.map(({ entry, aside }) => {
      return { path: aside ?? entry.path, sizeBytes: entry.sizeBytes }
    })
    this.#places = pool.run({ kind: 'places', directory, directories, largeFiles })
    this.#places.catch(() => undefined) // who waits for it hears of it
  }

  async writeMembers(): Promise<void> {
    const { directory, plan } = this.#parts
    await this.#runBatches(plan.work.members, (members) => ({ kind: 'members', directory, members }))
    await this.#runBatches(plan.work.copies, (copies) => ({ kind: 'copies', directory, copies }))
  }

  /** As many loops as ranges may be under way, each with the memory for one. */
  async writeChunks(locations: readonly PackLocations[], lanes: number): Promise<void> {
    const isMissing = ({ row }: RowLocation) => this.#missing.has(row)
    const wanted = locations.map(({ packId, chunks }) => ({ packId, chunks: chunks.filter(isMissing) }))
    await this.#takeRanges(coalesceRanges(wanted), lanes, (range, memory) => this.#writeRange(range, memory))
  }

  /** What can be made from the version before; what does not come out right is fetched from its pack later. */
  async writeFromOld(old: OldVersion, lanes: number): Promise<void> {
    const chunks = old.locate(this.missingRows)
    const [copied, deltas] = [[], []] as OldChunk[][] as [OldChunk[], OldChunk[]]
    for (const chunk of chunks) (chunk.basis.kind === 'copy' ? copied : deltas).push(chunk)
    const bases = new Map(chunks.map(({ row, basis }) => [row, basis]))
    // First what is copied: its files may be replaced by what comes next.
    const copies = Array.from({ length: Math.ceil(copied.length / copiesAtOnce) }, (_, at) => ({
      ...{ packId: '', start: 0, length: 0 },
      chunks: copied.slice(at * copiesAtOnce, (at + 1) * copiesAtOnce),
    }))
    const ranges = [...copies, ...coalesceRanges([{ packId: '', chunks: deltas }])]
    await this.#takeRanges(ranges, lanes, async ({ start, length, chunks: located }, memory) => {
      if (length > 0) await this.#parts.source.fetchPart(old.dataPath, start, new Uint8Array(memory, 0, length))
      const made = located.map((location) => ({ ...this.#writeChunk(location), basis: bases.get(location.row)! }))
      return (await this.#writeChunks(memory, start, made)).memory
    })
  }

  async #takeRanges(
    ranges: readonly FetchRange[],
    lanes: number,
    work: (range: FetchRange, memory: ArrayBuffer) => Promise<ArrayBuffer>,
  ): Promise<void> {
    const memories = Array.from({ length: Math.min(lanes, ranges.length) }, () => new ArrayBuffer(maxRangeBytes))
    const turns = takeTurns(ranges, memories.length, async (range, lane) => {
      this.#parts.options.signal?.throwIfAborted()
      memories[lane] = await work(range, memories[lane]!)
    })
    await Promise.all(turns)
  }

  async #writeRange(range: FetchRange, memory: ArrayBuffer): Promise<ArrayBuffer> {
    const { source, tree, plan } = this.#parts
    return fetchChunks(source, range, memory, {
      use: (fetched, start, chunks) =>
        this.#writeChunks(
          fetched,
          start,
          chunks.map((location) => this.#writeChunk(location)),
        ),
      describe: (row) => ({ chunkId: chunkIdOfRow(tree.chunks, row), place: plan.work.pieces[row]![0]!.path }),
    })
  }

  /** What can only be done when the content is there: metadata of large files, then hard links. */
  async finishFiles(): Promise<void> {
    const { directory, plan } = this.#parts
    const { largeFiles, metadata } = plan.work
    await this.#runBatches<LargeFile>(largeFiles, (files) => ({ kind: 'large-files', directory, files }))
    await this.#runBatches(metadata, (entries) => ({ kind: 'metadata', directory, entries }))
    this.#makeLinks()
  }

  removeExtras(): void {
    const { directory, keptPaths } = this.#parts
    for (const path of this.#extras) removeTree(directory, path, keptPaths)
    this.#extras = []
  }

  #makeLinks(): void {
    const { tree, plan, directories } = this.#parts
    const firstPaths = groupPaths(tree)
    for (const { path, group, aside } of plan.work.links) {
      const first = this.#at(firstPaths[group]!)
      if (aside === undefined) linkSync(first, this.#at(path))
      else if (inodeOf(first) !== inodeOf(this.#at(path))) {
        directories.openParent(path)
        linkSync(first, this.#at(aside))
        renameSync(this.#at(aside), this.#at(path))
      }
    }
  }

  async #runBatches<Item>(items: readonly Item[], jobOf: (batch: Item[]) => WriteJob): Promise<void> {
    const batches = Array.from({ length: Math.ceil(items.length / entriesAtOnce) }, (_, at) =>
      items.slice(at * entriesAtOnce, (at + 1) * entriesAtOnce),
    )
    await Promise.all(batches.map((batch) => this.#run(jobOf(batch))))
  }

  async #run(job: WriteJob, transfer: readonly ArrayBuffer[] = []): Promise<WriteReply> {
    await this.#places
    return this.#parts.pool.run(job, transfer)
  }

  #writeChunk(location: RowLocation): WriteChunk {
    const { row } = location
    const { tree, plan } = this.#parts
    const { ids, sizes } = tree.chunks
    const id = new Uint8Array(ids.subarray(row * 32, row * 32 + 32)) // not a view: all of the table would travel
    return { ...location, id, sizeBytes: sizes[row]!, pieces: plan.work.pieces[row]! }
  }

  async #writeChunks(memory: ArrayBuffer, start: number, chunks: WriteChunk[]) {
    const { options, tree, source, flush, directory } = this.#parts
    const reply = await this.#run({ kind: 'chunks', directory, memory, start, chunks }, [memory])
    this.bytesWritten += reply.bytesWritten
    this.bytesReused += reply.bytesReused
    const invalid = new Set(reply.invalid.map(({ row }) => row))
    for (const { row } of chunks) if (!invalid.has(row)) this.#missing.delete(row)
    flush.wrote(this.bytesWritten)
    const bytesDone = this.bytesWritten + this.bytesReused
    options.onProgress?.({ bytesDone, bytesTotal: tree.sizeBytes, bytesFetched: source.bytesFetched })
    return { invalid: reply.invalid, memory: reply.memory! }
  }

  #at(path: string): string | Buffer {
    return pathBelow(this.#parts.directory, path)
  }
}

/** Undefined where nothing is. */
function inodeOf(path: string | Buffer): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
