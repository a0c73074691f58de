import type { MessagePort } from 'node:worker_threads'
import type { FromJob, JobProgress, ToJob } from './image-job.ts'

const mostUnderWayBytes = 1024 * 1024
const progressEveryMs = 200

/** What a job says, in its thread. Who writes waits while the reader is behind; `signal` aborts when the reader left. */
export class JobOutput {
  readonly signal: AbortSignal
  readonly #port: MessagePort
  readonly #stop = new AbortController()
  #underWayBytes = 0
  #wake: (() => void) | undefined
  #progressAt = 0

  constructor(port: MessagePort) {
    this.#port = port
    this.signal = this.#stop.signal
    port.on('message', (message: ToJob) => {
      if (message.kind === 'taken') this.#underWayBytes -= message.bytes
      else this.#stop.abort()
      this.#wake?.()
    })
  }

  /** Takes the memory of `bytes` where it is all of its buffer, and copies it otherwise. Throws when the reader left. */
  async write(bytes: Buffer<ArrayBuffer>): Promise<void> {
    this.signal.throwIfAborted()
    const isAlone = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength
    const own = isAlone ? bytes : new Uint8Array(bytes)
    this.#underWayBytes += own.length
    this.#port.postMessage({ kind: 'bytes', bytes: own } satisfies FromJob, [own.buffer])
    while (this.#underWayBytes > mostUnderWayBytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.signal.throwIfAborted()
    }
  }

  line(value: object): Promise<void> {
    return this.write(Buffer.from(`${JSON.stringify(value)}\n`))
  }

  /** Now and then: most are dropped. */
  progress(progress: JobProgress): void {
    const now = performance.now()
    const isBehind = this.#underWayBytes > mostUnderWayBytes / 2
    if (now - this.#progressAt < progressEveryMs || isBehind || this.signal.aborted) return
    this.#progressAt = now
    this.say({ kind: 'progress', ...progress })
  }

  /** A line for which the work does not wait. */
  say(value: object): void {
    this.line(value).catch(() => undefined) // the reader left, which the work learns by the signal
  }
}
