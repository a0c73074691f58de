import type { ProgressReport, WorkStep } from '../core/agent-protocol.ts'
import { describeProgress } from './progress-line.ts'
import { say } from './say.ts'
import type { StepReporter } from './step-reporter.ts'

/** A step that did not succeed; the cause says why. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed'
  readonly step: WorkStep

  constructor(step: WorkStep, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.step = step
  }
}

/** What a step gives to the next ones, and what is told about it. */
export type StepResult<T> = { value: T } & Pick<ProgressReport, 'detail' | 'bytesDone' | 'bytesTotal' | 'notice'>

export type OnBytes = (bytesDone: number, bytesTotal: number | undefined) => void

const consoleEveryMs = 5000

/** Runs one step, telling server and console how it begins, goes on and ends. Throws StepFailed. */
export async function runStep<T>(
  reporter: StepReporter,
  step: WorkStep,
  work: (onBytes: OnBytes) => Promise<StepResult<T>>,
): Promise<T> {
  const startedAt = performance.now()
  const seconds = () => (performance.now() - startedAt) / 1000
  let nextLineAt = startedAt + consoleEveryMs
  reporter.started(step)
  say(`${step} …`, { isPassing: true })
  try {
    const { value, ...facts } = await work((bytesDone, bytesTotal) => {
      reporter.progress(step, bytesDone, bytesTotal)
      if (performance.now() < nextLineAt) return
      nextLineAt = performance.now() + consoleEveryMs
      say(`${step}: ${describeProgress(bytesDone, bytesTotal, seconds())}`, { isPassing: true })
    })
    const took = Number(seconds().toFixed(2))
    reporter.done(step, { ...facts, seconds: took })
    const detail = facts.detail === undefined ? '' : `: ${facts.detail}`
    say(`${step} done in ${took.toFixed(1)} s${detail}`, { isPassing: true })
    if (facts.notice !== undefined) say(`${step}: ${facts.notice}`)
    return value
  } catch (error) {
    throw new StepFailed(step, error)
  }
}
