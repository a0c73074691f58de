import type { Deployment, DeployStep } from '../core/deployment.ts'

const minute = 60
const day = 24 * 60 * minute

/** How long a deployment may stay in its state without a word; 0 where it has ended. */
export function deadlineSeconds(deployment: Pick<Deployment, 'state' | 'proofSeconds'>): number {
  switch (deployment.state) {
    case 'queued':
      return 7 * day
    case 'booting':
    case 'running':
      return 15 * minute
    case 'written':
      // The agent reports its leaving at once; a machine that was cut off here still boots its disk.
      return 5 * minute + deployment.proofSeconds
    case 'handed-over':
      return deployment.proofSeconds
    case 'frozen':
      return 7 * day
    default:
      return 0
  }
}

export type Verdict =
  | { state: 'failed'; step: DeployStep; reason: string }
  | { state: 'unproved'; reason: string }
  | { state: 'cancelled'; reason: string }

/** What a deployment past its deadline becomes, in words that say what that usually means. */
export function overdueVerdict(deployment: Deployment): Verdict {
  const step = deployment.step ?? 'select-disk'
  switch (deployment.state) {
    case 'written':
    case 'handed-over':
      return {
        state: 'unproved',
        reason: `no first-boot callback within ${deployment.proofSeconds} s. Usually the deployed system has no network, or does not boot: look at its console. Nothing will be written again`,
      }
    case 'frozen':
      return { state: 'cancelled', reason: 'nobody decided within 7 days' }
    case 'queued':
      return {
        state: 'failed',
        step,
        reason: 'the machine did not network-boot within 7 days. Usually it is off, or boots its disk first',
      }
    case 'booting':
      return {
        state: 'failed',
        step,
        reason:
          'the agent was not heard of within 15 minutes of the boot script. Usually the kernel found no driver for the network card, or its link needs longer (spanning tree, LACP): look at its console',
      }
    default:
      return {
        state: 'failed',
        step,
        reason: `the agent was last heard of 15 minutes ago. Usually the machine lost power or its network, or its disk hangs: look at its console`,
      }
  }
}
