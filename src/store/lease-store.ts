import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Lease } from '../core/lease.ts'

/** What the DHCP server needs of the lease database. */
export interface LeaseStore {
  /** The last lease of each address, ended ones too, the earliest granted first. */
  load(): Promise<Lease[]>
  /** Resolves when the lease is on disk; rejects with LeaseWriteFailed when it may not be. */
  write(lease: Lease): Promise<void>
  /** Rejects with LeaseWriteFailed when the store has died; never resolves while it is open. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** The database did not take a lease; the reply that depends on it must not be sent. */
export class LeaseWriteFailed extends Error {
  override readonly name = 'LeaseWriteFailed'
  readonly file: string

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`Cannot write to the lease database ${file}: ${reason}`, options)
    this.file = file
  }
}

export type LeaseWorkerRequest = { kind: 'load' } | { kind: 'commit'; leases: Lease[] } | { kind: 'close' }
export type LeaseWorkerAnswer =
  | { kind: 'leases'; leases: Lease[] }
  | { kind: 'committed' }
  | { kind: 'failed'; reason: string }

/**
 * Opens the lease database (SQLite, write-ahead log, every commit synced) in a thread of its own. Throws
 * LeaseWriteFailed when it cannot be opened. The directory must exist.
 */
export async function openLeaseStore(file: string): Promise<LeaseStore> {
  const worker = new Worker(new URL('./lease-worker.ts', import.meta.url), { workerData: { file }, name: 'leases' })
  try {
    await once(worker, 'online', { signal: AbortSignal.timeout(openTimeoutMs) })
    const store = new SqliteLeaseStore(worker, file)
    await store.load()
    return store
  } catch (error) {
    await worker.terminate()
    if (error instanceof LeaseWriteFailed) throw error
    throw new LeaseWriteFailed(file, (error as Error).message, { cause: error })
  }
}

/** A disk that hangs must not fill the memory: clients repeat themselves, and one answer is enough for them. */
const maximumWaiting = 20_000
/**
 * Leases of one commit at most. After a disk has stalled, the replies that waited for it then leave in bursts that a
 * relay's receive buffer takes (some 200 datagrams), not all at once; with a sync of 10 ms it is still 12,000 a second.
 */
const maximumGroup = 128
const openTimeoutMs = 30_000

type Waiting = { lease: Lease; resolve: () => void; reject: (error: Error) => void }

class SqliteLeaseStore implements LeaseStore {
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #file: string
  #waiting: Waiting[] = []
  #isCommitting = false
  /** The worker answers in order; each request waits for its own answer here. */
  readonly #answers: { resolve: (answer: LeaseWorkerAnswer) => void; reject: (error: Error) => void }[] = []
  #death: LeaseWriteFailed | undefined
  #isClosing = false

  constructor(worker: Worker, file: string) {
    this.#worker = worker
    this.#file = file
    worker.on('message', (answer: LeaseWorkerAnswer) => this.#answers.shift()?.resolve(answer))
    this.ended = new Promise((resolve, reject) => {
      const end = (cause: unknown): void => {
        const reason = cause instanceof Error ? cause.message : 'its thread ended'
        this.#death ??= new LeaseWriteFailed(file, reason, { cause })
        for (const answer of this.#answers.splice(0)) answer.reject(this.#death)
        if (this.#isClosing) resolve()
        else reject(this.#death)
      }
      worker.once('error', end)
      worker.once('exit', end)
    })
    // Who serves with the store waits for it; nobody else has to.
    this.ended.catch(() => {})
  }

  async load(): Promise<Lease[]> {
    const answer = await this.#ask({ kind: 'load' })
    if (answer.kind !== 'leases') throw this.#failure(answer)
    return answer.leases
  }

  write(lease: Lease): Promise<void> {
    if (this.#waiting.length >= maximumWaiting) {
      const reason = `${maximumWaiting} leases already wait for the disk`
      return Promise.reject(new LeaseWriteFailed(this.#file, reason))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lease, resolve, reject })
      if (!this.#isCommitting) void this.#commitWaiting()
    })
  }

  async close(): Promise<void> {
    if (this.#death) return
    this.#isClosing = true
    this.#worker.postMessage({ kind: 'close' } satisfies LeaseWorkerRequest)
    await this.ended
  }

  /** Group commit: what comes in during one commit goes out with the next. */
  async #commitWaiting(): Promise<void> {
    this.#isCommitting = true
    // Datagrams that are already in the socket's queue join the first commit.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, maximumGroup)
      try {
        const answer = await this.#ask({ kind: 'commit', leases: group.map(({ lease }) => lease) })
        if (answer.kind !== 'committed') throw this.#failure(answer)
        for (const { resolve } of group) resolve()
      } catch (error) {
        for (const { reject } of group) reject(error as Error)
      }
    }
    this.#isCommitting = false
  }

  #ask(request: LeaseWorkerRequest): Promise<LeaseWorkerAnswer> {
    if (this.#death) return Promise.reject(this.#death)
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject })
      this.#worker.postMessage(request)
    })
  }

  #failure(answer: LeaseWorkerAnswer): LeaseWriteFailed {
    return new LeaseWriteFailed(this.#file, answer.kind === 'failed' ? answer.reason : `it answered ${answer.kind}`)
  }
}
