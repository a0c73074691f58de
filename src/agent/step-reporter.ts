import type { ProgressReport, WorkStep } from '../core/agent-protocol.ts'

/** Progress inside a step is told at most this often; the beginning and end of a step always. */
const quietMs = 500

/**
 * Tells the server what the agent does, in order, without ever holding up the work: reports wait in a queue while the
 * server is away, and progress that was overtaken by newer progress is dropped.
 */
export class StepReporter {
  readonly #workId: string
  readonly #send: (report: ProgressReport) => Promise<void>
  readonly #onRefused: (error: unknown) => void
  readonly #watch: (report: ProgressReport) => void
  readonly #queue: ProgressReport[] = []
  #sending: Promise<void> | undefined
  #lastProgressAt = Number.NEGATIVE_INFINITY

  /**
   * `send` retries by itself; what it throws is final and goes to `onRefused` once, after which nothing is sent. `watch`
   * hears everything at once.
   */
  constructor(
    workId: string,
    send: (report: ProgressReport) => Promise<void>,
    onRefused: (error: unknown) => void,
    watch: (report: ProgressReport) => void = () => {},
  ) {
    this.#watch = watch
    this.#workId = workId
    this.#send = send
    this.#onRefused = onRefused
  }

  started(step: WorkStep): void {
    this.#lastProgressAt = Number.NEGATIVE_INFINITY
    this.#enqueue({ workId: this.#workId, step, state: 'started' })
  }

  progress(step: WorkStep, bytesDone: number, bytesTotal: number | undefined): void {
    const now = performance.now()
    if (now - this.#lastProgressAt < quietMs) return
    this.#lastProgressAt = now
    const last = this.#queue.at(-1)
    if (last?.state === 'progress' && last.output === undefined) this.#queue.pop()
    const report: ProgressReport = { workId: this.#workId, step, state: 'progress', bytesDone }
    if (bytesTotal !== undefined) report.bytesTotal = bytesTotal
    this.#enqueue(report)
  }

  /** Lines of a script that runs in the step, of which `offset` were told before. */
  output(step: WorkStep, offset: number, lines: string[]): void {
    this.#enqueue({ workId: this.#workId, step, state: 'progress', output: { offset, lines } })
  }

  done(
    step: WorkStep,
    facts: Pick<ProgressReport, 'bytesDone' | 'bytesTotal' | 'detail' | 'seconds' | 'notice'>,
  ): void {
    this.#enqueue({ workId: this.#workId, step, state: 'done', ...facts })
  }

  /** Settles when everything said so far was delivered (or refused). */
  async delivered(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending
  }

  #enqueue(report: ProgressReport): void {
    this.#watch(report)
    this.#queue.push(report)
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  async #sendAll(): Promise<void> {
    try {
      for (let report = this.#queue.shift(); report !== undefined; report = this.#queue.shift()) {
        await this.#send(report)
      }
    } catch (error) {
      this.#queue.length = 0
      this.#onRefused(error)
    }
  }
}
