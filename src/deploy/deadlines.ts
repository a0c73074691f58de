import type { Deployment, DeployStep } from '../core/deployment.ts'
import type { Sight } from './last-sight.ts'
import {
  describeAbsence,
  minute,
  patienceSeconds,
  type SilentVerdict,
  silenceSeconds,
  silentVerdict,
} from './silence.ts'

/** How long a deployment may stay in its state without a word; 0 where it has ended. */
export function deadlineSeconds({
  state,
  step = 'boot',
  proofSeconds,
}: Pick<Deployment, 'state' | 'step' | 'proofSeconds'>): number {
  switch (state) {
    case 'queued':
    case 'frozen':
      return patienceSeconds
    case 'booting':
      return silenceSeconds('boot')
    case 'running':
      return silenceSeconds(step)
    case 'written':
      // The agent reports its leaving at once; a machine that was cut off here still boots its disk.
      return 5 * minute + proofSeconds
    case 'handed-over':
      return proofSeconds
    default:
      return 0
  }
}

export type Verdict = SilentVerdict<DeployStep> | { state: 'unproved'; reason: string }

/** What a deployment past its deadline becomes, in words that say when the machine was last seen, and what that usually means. */
export function overdueVerdict(deployment: Deployment, sight: Sight | undefined, now: number): Verdict {
  const { state, proofSeconds } = deployment
  if (state !== 'written' && state !== 'handed-over') return silentVerdict(deployment, sight, now)
  const silence = `no first-boot callback within ${proofSeconds} s, ${describeAbsence(deployment, sight, now)}`
  return { state: 'unproved', reason: `${silence}: look at its console. Nothing will be written again` }
}
