import type { DeploymentState } from './deployment.ts'
import type { Machine } from './machine.ts'

/**
 * One word for where a machine is in its life.
 * new: nobody has approved it · held: a person must say which machine it is · ready: approved, and its disk has nothing of ours ·
 * deploying · deployed: its disk has a version · failed: its last work failed, and nothing was ordered since ·
 * wiping, rescue, running: such an errand is under way.
 */
export const machineStates = [
  ...(['new', 'held', 'ready', 'deploying', 'deployed', 'failed'] as const),
  ...(['wiping', 'rescue', 'running'] as const),
] as const
export type MachineState = (typeof machineStates)[number]

/** What was done to a machine, as far as its state follows from it. */
export type MachineWork = {
  /** Of its newest deployment. */
  deployment?: DeploymentState
  /** Its newest errand failed, and no deployment was ordered since. */
  hasErrandFailed: boolean
  /** Its disk holds what a deployment wrote, and was not wiped since. */
  isWritten: boolean
}

export const noWork: MachineWork = { hasErrandFailed: false, isWritten: false }

const openStates: ReadonlySet<DeploymentState> = new Set(['queued', 'booting', 'running', 'frozen'])

/** What is being done comes before who it is: also a machine that nobody approved may be worked on, by a person's order. */
export function machineState(
  { approved, conflicts, intent }: Pick<Machine, 'approved' | 'conflicts' | 'intent'>,
  { deployment, hasErrandFailed, isWritten }: MachineWork,
): MachineState {
  if (conflicts) return 'held'
  if (intent.errandId !== undefined) return errandState(intent.kind)
  if (deployment && openStates.has(deployment)) return 'deploying'
  if (hasErrandFailed || deployment === 'failed') return 'failed'
  if (isWritten) return 'deployed'
  return approved ? 'ready' : 'new'
}

function errandState(kind: Machine['intent']['kind']): MachineState {
  if (kind === 'wipe') return 'wiping'
  return kind === 'rescue' ? 'rescue' : 'running'
}
