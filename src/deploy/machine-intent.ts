import { type Deployment, hasBegun, writtenStates } from '../core/deployment.ts'
import { type Errand, hasErrandBegun } from '../core/errand.ts'
import type { StandingIntent } from '../core/intent.ts'
import { contentOf, rootOf } from '../core/layout.ts'
import type { Machine } from '../core/machine.ts'
import { describeConflict } from '../core/machine-identity.ts'
import { listDeployments } from '../store/deployment-rows.ts'
import { findMachineById, updateMachine } from '../store/machine-rows.ts'
import { Conflict } from './refusals.ts'
import type { Change } from './state-changes.ts'

type NewIntent =
  | { kind: 'discover' }
  | { kind: 'deploy'; deploymentId: string }
  | { kind: Errand['work']['kind']; errandId: string }

/** An order for the machine's next network boot, or a wait for one. */
export async function setIntent(change: Change, machineId: string, intent: NewIntent): Promise<void> {
  const machine = await findMachineById(change.db, machineId)
  if (!machine) return
  const revision = machine.intent.revision + 1
  change.machineChanged(await updateMachine(change.db, machineId, { intent: { ...intent, revision } }))
}

/** An order is used up: the machine boots what it boots while nothing is ordered, which is `standing` from now on where given. */
export async function useUpIntent(change: Change, machineId: string, standing?: StandingIntent): Promise<void> {
  const machine = await findMachineById(change.db, machineId)
  if (!machine) return
  const { kind } = standing ?? machine.standing
  const intent = { kind, revision: machine.intent.revision + 1 }
  change.machineChanged(await updateMachine(change.db, machineId, { intent, ...(standing && { standing }) }))
}

/** Its disk has a system from now on: a machine that only waited for one boots it. */
export async function useUpDeployIntent(change: Change, machineId: string): Promise<void> {
  const standing = (await findMachineById(change.db, machineId))?.standing.kind
  const waited = standing === 'discover' || standing === 'menu' || standing === 'ramroot'
  await useUpIntent(change, machineId, waited ? { kind: 'local' } : undefined)
}

/** An untouched disk may still boot; one that was begun on may not, so that machine waits in the agent instead. */
export async function leaveDeployIntent(change: Change, deployment: Deployment): Promise<void> {
  const machine = await findMachineById(change.db, deployment.machineId)
  if (machine?.intent.deploymentId !== deployment.id) return
  if (await isUnfinished(change, deployment.machineId))
    await setIntent(change, deployment.machineId, { kind: 'discover' })
  else await useUpIntent(change, deployment.machineId)
}

/** Likewise: who is being wiped has no system any more. */
export async function leaveErrandIntent(change: Change, errand: Errand): Promise<void> {
  const machine = await findMachineById(change.db, errand.machineId)
  if (machine?.intent.errandId !== errand.id) return
  const isBegun = errand.work.kind === 'wipe' && hasErrandBegun(errand, 'plant-canaries')
  if (isBegun) await setIntent(change, errand.machineId, { kind: 'discover' })
  else await useUpIntent(change, errand.machineId)
}

/** Of a machine that is held, or that has an order already, nothing more is wanted. Throws Conflict. */
export async function refuseBusy(change: Change, machine: Machine): Promise<void> {
  const { name, conflicts: [conflict] = [] } = machine
  if (conflict) throw new Conflict(`${name} is held: ${describeConflict(name, conflict)}`)
  const { intent } = (await findMachineById(change.db, machine.id)) ?? machine
  const what = intent.deploymentId ? 'a deployment' : intent.errandId ? `the order ${intent.kind}` : undefined
  if (what) throw new Conflict(`${name} has ${what} under way; end it with 'bootwright cancel ${name}' first`)
}

/** Whether any deployment since the last one that came to its end, this one or one before it, has begun on the disk. */
async function isUnfinished(change: Change, machineId: string): Promise<boolean> {
  const history = await listDeployments(change.db, machineId)
  const finished = history.findIndex(({ state }) => writtenStates.includes(state))
  return history.slice(0, finished === -1 ? undefined : finished).some(hasBegunOnDisk)
}

/** What is received beside the systems of a disk changes nothing that boots, until the boot loader is installed. */
function hasBegunOnDisk(deployment: Deployment): boolean {
  const isReceived = contentOf(rootOf(deployment.layout)) === 'received'
  return hasBegun(deployment, isReceived ? 'boot-loader' : 'partition')
}
