import type { DoneReport } from '../../core/agent-protocol.ts'
import type { ErrandOrder } from '../../core/order.ts'
import type { AgentContext } from '../deploy-context.ts'
import type { StepReporter } from '../step-reporter.ts'

/** One errand under way. */
export type ErrandContext = AgentContext & {
  order: ErrandOrder
  reporter: StepReporter
  /** Aborted when the server does not want it any more. */
  stop: AbortController
  /** What a script fetches to say that it is done. */
  doneUrl: string
  /** Of root at the console of a machine that is rescued. */
  passwordHash?: string
}

/** What the server is told; `afterwards` is done when it knows, and may leave the machine. */
export type ErrandOutcome = Omit<DoneReport, 'workId'> & { afterwards?: () => Promise<void> }

/** Does the work of its kind by the steps of core/errand.ts; what it throws is told as the failure. */
export type ErrandDoer = (context: ErrandContext) => Promise<ErrandOutcome>

/** What it did up to its failure is told with it. */
export class ErrandFailed extends Error {
  override readonly name = 'ErrandFailed'
  readonly result: unknown

  constructor(message: string, result: unknown) {
    super(message)
    this.result = result
  }
}
