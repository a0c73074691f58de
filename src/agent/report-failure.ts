import type { FailureReport, WorkStep } from '../core/agent-protocol.ts'
import { say, sayLines } from './say.ts'
import { ServerRefused } from './server-client.ts'
import type { Session } from './session.ts'
import type { StepReporter } from './step-reporter.ts'
import { StepFailed } from './step-run.ts'

/** A piece of work as its failure is told. */
export type FailedWork = {
  id: string
  /** For the console. */
  what: string
  /** Where it failed when it was in no step. */
  firstStep: WorkStep
  session: Session
  reporter: StepReporter
  signal: AbortSignal
  /** What was found or done up to it. */
  result?: unknown
}

/** Shows and reports it; a server that does not want to know is obeyed. */
export async function reportFailure(work: FailedWork, error: unknown): Promise<void> {
  const { id, what, firstStep, session, reporter, signal, result } = work
  const step = error instanceof StepFailed ? error.step : firstStep
  // When the server stopped the work, its words and not "aborted".
  const cause: unknown = signal.aborted ? signal.reason : error
  const reason = cause instanceof Error ? cause.message : String(cause)
  sayLines(`${what} failed in step ${step}: ${reason}`)
  const report: FailureReport = {
    ...{ workId: id, step, reason: reason.slice(0, 8000) },
    ...(result !== undefined && { result }),
  }
  await reporter.delivered() // the server must know the step before it hears that it failed
  try {
    await session.client.request('POST', '/agent/failure', report, { onTrouble: say })
  } catch (refused) {
    if (!(refused instanceof ServerRefused)) throw refused
    say(refused.message)
  }
  say('the machine stays as it is and waits for a new order')
}
