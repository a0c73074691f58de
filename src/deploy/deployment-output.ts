import type { Deployment, DeployStep } from '../core/deployment.ts'
import { outputLimitLength, outputLimitLines } from '../core/hook-end.ts'
import { oneLine } from '../core/one-line.ts'
import { updateDeployment } from '../store/deployment-rows.ts'
import { heard } from './deployment-moves.ts'
import { tellStep } from './deployment-timeline.ts'
import type { Change } from './state-changes.ts'

/** Lines of a script that a step runs; `offset` of them were told before, so that a report may come twice. */
export type StepOutput = { offset: number; lines: readonly string[] }

/** They stand with the step, and each is an event. */
export async function addOutput(
  change: Change,
  deployment: Deployment,
  step: DeployStep,
  { offset, lines }: StepOutput,
): Promise<void> {
  const { output: had = [] } = deployment.steps.find((record) => record.step === step) ?? {}
  const fresh = lines.slice(Math.max(0, had.length - offset)).map((line) => oneLine(line, outputLimitLength))
  const output = [...had, ...fresh].slice(0, outputLimitLines)
  const steps = deployment.steps.map((record) => (record.step === step ? { ...record, output } : record))
  await updateDeployment(change.db, deployment.id, { steps, ...heard(deployment, step, 0, change.now) })
  for (const line of output.slice(had.length)) {
    await tellStep(change, deployment, step, `${step}: ${line}`, { output: line })
  }
}
