import { Check } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import type { DoneReport } from '../core/agent-protocol.ts'
import { errandSteps } from '../core/errand.ts'
import { type ErrandOrder, ErrandSecrets } from '../core/order.ts'
import { unseal } from '../core/seal.ts'
import type { AgentContext } from './deploy-context.ts'
import { type ErrandContext, type ErrandDoer, ErrandFailed } from './errands/errand-context.ts'
import { rescue } from './errands/rescue.ts'
import { run } from './errands/run.ts'
import { wipe } from './errands/wipe.ts'
import { reportFailure } from './report-failure.ts'
import { say } from './say.ts'
import { StepReporter } from './step-reporter.ts'

const doers: { [Kind in ErrandOrder['work']['kind']]?: ErrandDoer } = { run, rescue, wipe }

/** Does an errand to its end, which is reported. Does not return where the machine is left by it. */
export async function doErrand(order: ErrandOrder, agent: AgentContext): Promise<'ended'> {
  const stop = new AbortController()
  const { client } = agent.session
  const reporter = new StepReporter(
    order.errandId,
    async (report) =>
      void (await client.request('POST', '/agent/progress', report, { signal: stop.signal, onTrouble: say })),
    (refusal) => stop.abort(refusal), // cancelled, or past its deadline
    agent.watch,
  )
  const { kind } = order.work
  const failed = { id: order.errandId, what: kind, firstStep: errandSteps[kind][0], ...agent, reporter }
  say(`ordered to ${kind} as ${order.machine.name}`)
  try {
    const doer = doers[kind]
    if (!doer) throw new Error(`this agent cannot ${kind}: make the ramdisk again with 'bootwright ramdisk build'`)
    const context: ErrandContext = { ...agent, order, reporter, stop, ...secretsOf(order, agent) }
    const { afterwards, ...told } = await doer(context)
    await reporter.delivered()
    const report: DoneReport = { workId: order.errandId, ...told }
    await client.request('POST', '/agent/done', report, { signal: stop.signal, onTrouble: say })
    say(`${kind} is done`)
    await afterwards?.()
  } catch (error) {
    const cause = (error as Error).cause
    const result = cause instanceof ErrandFailed ? { result: cause.result } : {}
    await reportFailure({ ...failed, ...result, signal: stop.signal }, error)
  }
  return 'ended'
}

/** Throws DecodeError. */
function secretsOf({ sealed }: ErrandOrder, { session }: AgentContext) {
  const secrets: unknown = JSON.parse(Buffer.from(unseal(sealed, session.privateKey)).toString())
  if (!Check(ErrandSecrets, secrets)) throw new DecodeError('order', 'what is sealed in it has another shape')
  const { doneToken, passwordHash } = secrets
  return {
    doneUrl: `${session.client.baseUrl}/agent/done/${doneToken}`,
    ...(passwordHash !== undefined && { passwordHash }),
  }
}
