import { type Deployment, deploySteps } from '../core/deployment.ts'
import { contentOf, rootOf } from '../core/layout.ts'
import { findMachineById, updateMachine } from '../store/machine-rows.ts'
import type { Change } from './state-changes.ts'

type NewIntent = { kind: 'local' | 'discover' } | { kind: 'deploy'; deploymentId: string }

export async function setIntent(change: Change, machineId: string, intent: NewIntent): Promise<void> {
  const machine = await findMachineById(change.db, machineId)
  if (!machine) return
  const revision = machine.intent.revision + 1
  change.machineChanged(await updateMachine(change.db, machineId, { intent: { ...intent, revision } }))
}

/** An untouched disk may still boot; one that was begun on may not, so that machine waits in the agent instead. */
export async function leaveDeployIntent(change: Change, deployment: Deployment): Promise<void> {
  const machine = await findMachineById(change.db, deployment.machineId)
  if (machine?.intent.deploymentId !== deployment.id) return
  await setIntent(change, deployment.machineId, { kind: hasBegun(deployment) ? 'discover' : 'local' })
}

/** What is received beside the systems of a disk changes nothing that boots, until the boot loader is installed. */
function hasBegun({ layout, steps }: Deployment): boolean {
  const isReceived = contentOf(rootOf(layout)) === 'received'
  const first = deploySteps.indexOf(isReceived ? 'boot-loader' : 'partition')
  return steps.some(({ step }) => deploySteps.indexOf(step) >= first)
}
