import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Lease } from '../core/lease.ts'
import { readLeaseJournal } from './lease-journal.ts'
import { encodeLeaseRecord, longestRecordBytes } from './lease-record.ts'

/** Called once: without an error when the lease is on disk. */
export type LeaseWritten = (error?: LeaseWriteFailed) => void

/** What the DHCP server needs of the lease journal. */
export interface LeaseStore {
  /** The last lease of each address, ended ones too, the earliest written first. Throws LeaseWriteFailed. */
  load(): Lease[]
  write(lease: Lease, written: LeaseWritten): void
  /** Rejects with LeaseWriteFailed when the store has died; never resolves while it is open. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** The journal did not take a lease; the reply that depends on it must not be sent. */
export class LeaseWriteFailed extends Error {
  override readonly name = 'LeaseWriteFailed'
  readonly file: string

  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`Cannot write to the lease journal ${file}: ${reason}`, options)
    this.file = file
  }
}

export type LeaseWorkerData = { file: string; records: SharedArrayBuffer }
/** So many bytes of the shared memory are to be written; 0: nothing more comes. */
export type LeaseWorkerRequest = { sizeBytes: number }
/** The first answer says that the journal is open. */
export type LeaseWorkerAnswer = { kind: 'committed' } | { kind: 'failed'; reason: string }

/** Opens the journal in a thread of its own. Throws LeaseWriteFailed when it cannot be opened. The directory must exist. */
export async function openLeaseStore(file: string): Promise<LeaseStore> {
  const records = new SharedArrayBuffer(maximumGroup * longestRecordBytes)
  const workerData: LeaseWorkerData = { file, records }
  const worker = new Worker(new URL('./lease-worker.ts', import.meta.url), { workerData, name: 'leases' })
  try {
    await once(worker, 'message', { signal: AbortSignal.timeout(openTimeoutMs) })
    return new JournalLeaseStore(worker, file, records)
  } catch (error) {
    await worker.terminate()
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

type Waiting = { lease: Lease; written: LeaseWritten }

class JournalLeaseStore implements LeaseStore {
  readonly ended: Promise<void>
  readonly #worker: Worker
  readonly #file: string
  /** Shared with the worker, whose it is while a commit is under way. */
  readonly #records: Buffer
  #waiting: Waiting[] = []
  /** Those of the commit that is under way. */
  #committing: Waiting[] = []
  #isBusy = false
  #death: LeaseWriteFailed | undefined
  #isClosing = false

  constructor(worker: Worker, file: string, records: SharedArrayBuffer) {
    this.#worker = worker
    this.#file = file
    this.#records = Buffer.from(records)
    worker.on('message', (answer: LeaseWorkerAnswer) => this.#answered(answer))
    this.ended = new Promise((resolve, reject) => {
      const end = (cause: unknown): void => {
        const reason = cause instanceof Error ? cause.message : 'its thread ended'
        this.#death ??= new LeaseWriteFailed(file, reason, { cause })
        for (const { written } of [...this.#committing.splice(0), ...this.#waiting.splice(0)]) written(this.#death)
        if (this.#isClosing) resolve()
        else reject(this.#death)
      }
      worker.once('error', end)
      worker.once('exit', end)
    })
    // Who serves with the store waits for it; nobody else has to.
    this.ended.catch(() => {})
  }

  load(): Lease[] {
    try {
      return readLeaseJournal(this.#file)
    } catch (error) {
      throw new LeaseWriteFailed(this.#file, (error as Error).message, { cause: error })
    }
  }

  write(lease: Lease, written: LeaseWritten): void {
    const refusal = this.#death ?? this.#tooManyWaiting()
    if (refusal) {
      written(refusal)
      return
    }
    this.#waiting.push({ lease, written })
    if (this.#isBusy) return
    this.#isBusy = true
    // Datagrams that are already in the socket's queue join the first commit.
    setImmediate(() => this.#commitWaiting())
  }

  #tooManyWaiting(): LeaseWriteFailed | undefined {
    if (this.#waiting.length < maximumWaiting) return undefined
    return new LeaseWriteFailed(this.#file, `${maximumWaiting} leases already wait for the disk`)
  }

  async close(): Promise<void> {
    if (this.#death) return
    this.#isClosing = true
    this.#worker.postMessage({ sizeBytes: 0 } satisfies LeaseWorkerRequest)
    await this.ended
  }

  /** Group commit: what comes in during one commit goes out with the next. */
  #commitWaiting(): void {
    const group = this.#waiting.splice(0, maximumGroup)
    this.#isBusy = group.length > 0
    if (!this.#isBusy) return
    this.#committing = group
    let sizeBytes = 0
    for (const { lease } of group) sizeBytes += encodeLeaseRecord(lease, this.#records, sizeBytes)
    this.#worker.postMessage({ sizeBytes } satisfies LeaseWorkerRequest)
  }

  #answered(answer: LeaseWorkerAnswer): void {
    const group = this.#committing
    this.#committing = []
    // The next sync begins before the replies to these are made.
    this.#commitWaiting()
    const failure = answer.kind === 'failed' ? new LeaseWriteFailed(this.#file, answer.reason) : undefined
    for (const { written } of group) written(failure)
  }
}
