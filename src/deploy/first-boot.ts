import type { Deployment, DeployStep } from '../core/deployment.ts'
import { describeHookFailure, type HookEnd, outputLimitLength, outputLimitLines } from '../core/hook-end.ts'
import { secretMask } from '../core/mask-secrets.ts'
import { oneLine } from '../core/one-line.ts'
import { type DeploymentSetup, type Hook, hooksAt } from '../core/setup.ts'
import { describeScope } from '../core/setup-scope.ts'
import type { StepRecord } from '../core/step-records.ts'
import { updateDeployment } from '../store/deployment-rows.ts'
import { readDeploymentSetup } from '../store/setup-rows.ts'
import { tellStep } from './deployment-timeline.ts'
import { NotFound } from './refusals.ts'
import type { Change } from './state-changes.ts'

/** What the deployed system says of one hook: which of its first boot's, counted from 1; its exit status by a shell. */
export type FirstBootReport = { hook: number; status: number | 'interrupted'; seconds: number; output: string }

const step = 'first-boot'

/**
 * A hook of the first boot has ended. Reports may come again, and count once. The machine runs what was deployed, whatever
 * its hooks say: a failed one is the step's failure, and not the deployment's. Throws NotFound.
 */
export async function recordFirstBoot(change: Change, deployment: Deployment, report: FirstBootReport): Promise<void> {
  const setup = await readDeploymentSetup(change.db, deployment.id)
  if (!setup) return // the machine has had another order since
  const hooks = hooksAt(setup, step)
  const hook = hooks[report.hook - 1]
  if (!hook) throw new NotFound(`Deployment ${deployment.id} has no first-boot hook ${report.hook}`)
  const before: StepRecord<DeployStep> = deployment.steps.find((record) => record.step === step) ?? {
    step,
    state: 'started',
  }
  if ((before.hooksEnded ?? 0) >= report.hook) return
  const lines = printableLines(setup, report.output)
  const output = [...(before.output ?? []), ...lines].slice(0, outputLimitLines)
  for (const line of lines) await tellStep(change, deployment, step, `${step}: ${line}`, { output: line })
  const ended = endOf(hook, hooks.length, report, lines)
  const seconds = (before.seconds ?? 0) + report.seconds
  const record: StepRecord<DeployStep> = { step, seconds, output, hooksEnded: report.hook, ...ended }
  const others = deployment.steps.filter((other) => other.step !== step)
  await updateDeployment(change.db, deployment.id, { steps: [...others, record] })
  const message = ended.notice ?? `the hook of ${describeScope(hook.scope)} ended well, ${report.seconds} s`
  await tellStep(change, deployment, step, `${step}: ${message}`, { ...ended })
}

function endOf(hook: Hook, count: number, report: FirstBootReport, lines: readonly string[]) {
  const failure = describeHookFailure(hook, hookEnd(hook, report), lines)
  if (failure === undefined) return { state: report.hook === count ? ('done' as const) : ('started' as const) }
  const left = count - report.hook
  const notice = left === 0 ? failure : `${failure} (${left} after it did not run)`
  return { state: 'failed' as const, notice }
}

/** timeout(1) ends with 124, or with 137 where it had to kill. */
function hookEnd({ timeoutSeconds }: Hook, { status, seconds }: FirstBootReport): HookEnd {
  if (status === 'interrupted') return { kind: 'interrupted' }
  if ((status === 124 || status === 137) && seconds >= timeoutSeconds) return { kind: 'timeout' }
  return { kind: 'exit', code: status }
}

/** A deployed system hides nothing by itself. */
function printableLines(setup: DeploymentSetup, output: string): string[] {
  const mask = secretMask(setup.variables)
  const lines = output.split('\n').map((line) => oneLine(mask(line), outputLimitLength))
  return lines.filter((line) => line !== '').slice(-outputLimitLines)
}
