import { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import type { FromJob, ImageJob, JobSetup, ToJob } from './image-job.ts'
import { NotReady, type Problem } from './problem.ts'

/** A job failed before its answer began, or in the middle of it. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** `started` resolves with the first bytes, to the size of the whole where it is known, or rejects with JobFailed. */
export type RunningJob = { output: Readable; started: Promise<number | undefined> }

const program = new URL('./image-job-thread.ts', import.meta.url)
const mostJobs = 4
/** A thread that was asked to stop cleans up behind itself; it is killed when it does not. */
const stopWithinMs = 30_000

/** Runs each job in a thread of its own. Who closes the output stops the job. */
export class ImageJobs {
  readonly #setup: JobSetup
  readonly #onFault: (job: ImageJob, stack: string) => void
  #running = 0

  constructor(setup: JobSetup, onFault: (job: ImageJob, stack: string) => void) {
    this.#setup = setup
    this.#onFault = onFault
  }

  /** Throws NotReady when there are too many. */
  start(job: ImageJob): RunningJob {
    if (this.#running >= mostJobs)
      throw new NotReady(`${mostJobs} jobs work on the images; ask again when one has ended`)
    this.#running++
    const thread = new Worker(program, { name: `image ${job.kind}`, workerData: { job, setup: this.#setup } })
    const output = new ThreadOutput(thread, (stack) => this.#onFault(job, stack))
    thread.once('exit', () => this.#running--)
    return { output, started: output.started }
  }
}

class ThreadOutput extends Readable {
  readonly started: Promise<number | undefined>
  readonly #thread: Worker
  readonly #started = Promise.withResolvers<number | undefined>()
  /** Pushed, and not yet told as taken. */
  #owedBytes = 0
  #isDone = false

  constructor(thread: Worker, onFault: (stack: string) => void) {
    super({ highWaterMark: 256 * 1024 })
    this.#thread = thread
    this.started = this.#started.promise
    this.started.catch(() => undefined) // not everybody asks
    thread.on('message', (message: FromJob) => this.#take(message, onFault))
    thread.once('error', (error) => {
      onFault((error as Error).stack ?? String(error))
      this.#fail(error as Error)
    })
    thread.once('exit', () => {
      if (this.#isDone) this.push(null)
      else this.#fail(new Error('The thread of the job ended before the job did'))
    })
  }

  override _read(): void {
    if (this.#owedBytes > 0) this.#tellTaken()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#tell({ kind: 'stop' })
    const timer = setTimeout(() => void this.#thread.terminate(), stopWithinMs)
    this.#thread.once('exit', () => clearTimeout(timer))
    if (this.#isDone) clearTimeout(timer)
    this.#started.reject(error ?? new Error('Nobody waits for the job any more'))
    callback(error)
  }

  #take(message: FromJob, onFault: (stack: string) => void): void {
    if (message.kind === 'size') this.#started.resolve(message.sizeBytes)
    else if (message.kind === 'bytes') this.#push(message.bytes)
    else if (message.kind === 'fault') onFault(message.stack)
    else if (message.kind === 'failed') this.#fail(new JobFailed(message.problem))
    else this.#isDone = true
  }

  #push(bytes: Uint8Array): void {
    this.#started.resolve(undefined)
    this.#owedBytes += bytes.length
    if (this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) this.#tellTaken()
  }

  #tellTaken(): void {
    this.#tell({ kind: 'taken', bytes: this.#owedBytes })
    this.#owedBytes = 0
  }

  #fail(error: Error): void {
    this.#started.reject(error)
    this.destroy(error)
  }

  #tell(message: ToJob): void {
    this.#thread.postMessage(message)
  }
}
