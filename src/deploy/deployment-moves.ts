import { getTo } from '../core/boot-attempts.ts'
import { canMove, type Deployment, type DeploymentState, type DeployStep, deploySteps } from '../core/deployment.ts'
import { type StepRecord, withStep } from '../core/step-records.ts'
import { type DeploymentChange, updateDeployment } from '../store/deployment-rows.ts'
import { deadlineSeconds } from './deadlines.ts'
import { tellState } from './deployment-timeline.ts'
import { leaveDeployIntent } from './machine-intent.ts'
import { Conflict } from './refusals.ts'
import type { Change } from './state-changes.ts'

/** The deployment is in that state from now on, with the deadline that belongs to it. */
export async function enter(
  change: Change,
  deployment: Deployment,
  state: DeploymentState,
  more: DeploymentChange,
): Promise<void> {
  const entered = { ...deployment, state }
  const finished = deadlineSeconds(entered) === 0
  await updateDeployment(change.db, deployment.id, {
    ...more,
    state,
    deadlineAt: change.now + deadlineSeconds(entered) * 1000,
    ...(finished && { finishedAt: change.now }),
  })
}

/** The agent reported from this step: what that changes. */
export function heard(deployment: Deployment, step: DeployStep, share: number, now: number): DeploymentChange {
  const boots = getTo(deployment.boots, deploySteps, { step, share })
  return {
    step,
    heardAt: now,
    deadlineAt: now + deadlineSeconds({ ...deployment, step }) * 1000,
    ...(boots !== deployment.boots && { boots }),
  }
}

/** Ends it at a step: its machine is not sent into the same failure again. Throws Conflict. */
export async function fail(
  change: Change,
  deployment: Deployment,
  step: DeployStep,
  reason: string,
  how: Pick<StepRecord, 'reported'> = {},
): Promise<void> {
  refuseMove(deployment, 'failed')
  const steps = withStep(deployment.steps, { step, state: 'failed', ...how })
  await enter(change, deployment, 'failed', { step, steps, failure: reason })
  await leaveDeployIntent(change, deployment)
  await tellState(change, deployment, 'failed', `at ${step}: ${reason}`)
}

/** Throws Conflict. */
export function refuseMove(deployment: Deployment, to: DeploymentState): void {
  if (!canMove(deployment.state, to)) {
    throw new Conflict(`Deployment ${deployment.id} is ${deployment.state}; it cannot become ${to}`)
  }
}

/** Of what is no longer worked on the agent reports nothing. Throws Conflict. */
export function refuseReport(deployment: Deployment): void {
  if (deployment.state !== 'running' && deployment.state !== 'written') {
    throw new Conflict(`Deployment ${deployment.id} is ${deployment.state}; nothing more is to be done for it`)
  }
}
