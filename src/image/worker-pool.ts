import { Worker } from 'node:worker_threads'
import type { JobMessage, ReplyMessage } from './worker-jobs.ts'

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
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

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
      thread.worker.postMessage({ number, job } satisfies JobMessage<Job>, transfer as ArrayBuffer[])
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new WorkerJobFailed('The worker threads were closed'))
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #start(program: URL): Thread {
    const thread: Thread = { worker: new Worker(program), waiting: new Map() }
    thread.worker.on('message', ({ number, reply, failure }: ReplyMessage<Reply>) => {
      const waiting = thread.waiting.get(number)
      thread.waiting.delete(number)
      if (failure) waiting?.reject(new WorkerJobFailed(failure.message, failure.code))
      else waiting?.resolve(reply as never)
    })
    thread.worker.on('error', (error) => this.#fail(error as Error))
    thread.worker.on('exit', (code) => this.#fail(new WorkerJobFailed(`A worker thread ended with code ${code}`)))
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
