import type { Deployment, DeployStep } from '../core/deployment.ts'
import { updateDeployment } from '../store/deployment-rows.ts'
import { tellStep } from './deployment-timeline.ts'
import type { Change } from './state-changes.ts'

/** Something turned out about a step that was done: it stands with the step, and in the timeline as an event of its own. */
export async function addNotice(
  change: Change,
  deployment: Deployment,
  step: DeployStep,
  notice: string,
): Promise<void> {
  const steps = deployment.steps.map((record) => (record.step === step ? { ...record, notice } : record))
  await updateDeployment(change.db, deployment.id, { steps })
  await tellStep(change, deployment, step, `${step}: ${notice}`, { notice })
}
