import { availableParallelism } from 'node:os'
import type { ContentName } from '../store/content-name.ts'
import { WorkerPool } from '../worker-pool.ts'
import type { ContentScan } from './scan-content.ts'
import type { PackScan } from './scan-pack.ts'
import type { RamRootName, RamRootScan } from './scan-ram-root.ts'
import type { ScanJob, ScanReply } from './scan-worker.ts'

/** A thread has a whole pack in memory. */
const maxThreads = 4

/** Reads packs, contents and roots in memory in worker threads, a bounded number at once. */
export class ScanPool implements AsyncDisposable {
  readonly #directory: string
  readonly #threads = Math.min(maxThreads, availableParallelism())
  #started: WorkerPool<ScanJob, ScanReply> | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** In the order of `packIds`. Throws WorkerJobFailed. */
  async scanPacks(
    packIds: readonly string[],
    onScan: (scan: PackScan) => void,
    signal?: AbortSignal,
  ): Promise<PackScan[]> {
    const jobs = packIds.map((packId): ScanJob => ({ kind: 'pack', directory: this.#directory, packId }))
    return this.#runAll(jobs, signal, (reply) => {
      if (reply.kind !== 'pack') throw new TypeError(`A worker answered ${reply.kind} for pack`)
      const scan = reply.scan
      // What comes from a thread is Uint8Array.
      for (const chunk of scan.whole) chunk.id = asBuffer(chunk.id)
      onScan(scan)
      return scan
    })
  }

  /** In the order of `contents`. Throws WorkerJobFailed. */
  async scanContents(
    contents: readonly ContentName[],
    publicKeyPem: string | undefined,
    onScan: () => void,
    signal?: AbortSignal,
  ): Promise<ContentScan[]> {
    const jobs = contents.map(
      (content): ScanJob => ({ kind: 'content', directory: this.#directory, content, publicKeyPem }),
    )
    return this.#runAll(jobs, signal, (reply) => {
      if (reply.kind !== 'content') throw new TypeError(`A worker answered ${reply.kind} for content`)
      const scan = reply.scan
      if (scan.chunks) scan.chunks.ids = asBuffer(scan.chunks.ids)
      onScan()
      return scan
    })
  }

  /** In the order of `names`. Throws WorkerJobFailed. */
  async scanRamRoots(names: readonly RamRootName[], onScan: () => void, signal?: AbortSignal): Promise<RamRootScan[]> {
    const jobs = names.map((name): ScanJob => ({ kind: 'ram-root', directory: this.#directory, name }))
    return this.#runAll(jobs, signal, (reply) => {
      if (reply.kind !== 'ram-root') throw new TypeError(`A worker answered ${reply.kind} for ram-root`)
      onScan()
      return reply.scan
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started?.[Symbol.asyncDispose]()
  }

  async #runAll<Result>(
    jobs: readonly ScanJob[],
    signal: AbortSignal | undefined,
    take: (reply: ScanReply) => Result,
  ): Promise<Result[]> {
    const results: Result[] = []
    if (jobs.length === 0) return results
    this.#started ??= new WorkerPool(new URL('./scan-worker.ts', import.meta.url), this.#threads)
    const pool = this.#started
    let next = 0
    const lane = async () => {
      for (let at = next++; at < jobs.length; at = next++) {
        signal?.throwIfAborted()
        results[at] = take(await pool.run(jobs[at]!))
      }
    }
    await Promise.all(Array.from({ length: this.#threads }, lane))
    return results
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
