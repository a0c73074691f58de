import { Worker } from 'node:worker_threads'
import type { PoolMessage, ReplyMessage } from './worker-jobs.ts'

/** A job failed in a worker thread, or the thread itself did; `code` is the errno name where there was one. */
export class WorkerJobFailed extends Error {
  override readonly name = 'WorkerJobFailed'
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

type Waiting = { resolve: (reply: never) => void; reject: (error: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting>; ended: PromiseWithResolvers<void> }

/**
 * Threads that all run the same program (worker-jobs.ts is its other end). A job goes to the thread with the fewest; how
 * many are under way at once is for the caller to bound. Close it, or the threads keep the process running.
 */
export class WorkerPool<Job, Reply> {
  readonly #threads: Thread[]
  #jobs = 0
  #failure: Error | undefined

  constructor(program: URL, threadCount: number) {
    this.#threads = Array.from({ length: threadCount }, () => this.#start(program))
  }

  /** What is in `transfer` belongs to the thread from now on. Throws WorkerJobFailed. */
  run(job: Job, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    if (this.#failure) return Promise.reject(this.#failure)
    const thread = this.#threads.reduce((least, other) => (other.waiting.size < least.waiting.size ? other : least))
    const number = ++this.#jobs
    return new Promise((resolve, reject) => {
      thread.waiting.set(number, { resolve, reject })
      thread.worker.postMessage({ kind: 'job', number, job } satisfies PoolMessage<Job>, transfer as ArrayBuffer[])
    })
  }

  /**
   * Each thread ends by itself, after the job it is at. Not by terminate(): a native addon that a terminated thread is just
   * calling or loading (koffi) cannot throw there, and takes the whole process with it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#threads.map(({ ended }) => ended.promise)
    this.#fail(new WorkerJobFailed('The worker threads were closed'))
    for (const { worker } of this.#threads) worker.postMessage({ kind: 'close' } satisfies PoolMessage<Job>)
    await Promise.all(ended)
  }

  #start(program: URL): Thread {
    const thread: Thread = { worker: new Worker(program), waiting: new Map(), ended: Promise.withResolvers() }
    thread.worker.on('message', ({ number, reply, failure }: ReplyMessage<Reply>) => {
      const waiting = thread.waiting.get(number)
      thread.waiting.delete(number)
      if (failure) waiting?.reject(new WorkerJobFailed(failure.message, failure.code))
      else waiting?.resolve(reply as never)
    })
    thread.worker.on('error', (error) => this.#fail(error as Error))
    thread.worker.on('exit', (code) => {
      this.#fail(new WorkerJobFailed(`A worker thread ended with code ${code}`))
      thread.ended.resolve()
    })
    return thread
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { waiting } of this.#threads ?? []) {
      for (const { reject } of waiting.values()) reject(this.#failure)
      waiting.clear()
    }
  }
}
