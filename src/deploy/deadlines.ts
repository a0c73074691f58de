import type { Deployment, DeployStep } from '../core/deployment.ts'
import { describeSight, type Sight } from './last-sight.ts'
import { usualCause } from './usual-causes.ts'

const minute = 60
const day = 24 * 60 * minute

/** How long the agent may say nothing in a step: more than the deadlines of the programs that it waits for there. */
const silenceSeconds: Record<DeployStep, number> = {
  boot: 15 * minute,
  'select-disk': 15 * minute,
  // Of hooks the agent says every minute that they still run.
  'before-partition': 15 * minute,
  partition: 15 * minute,
  'make-filesystems': 20 * minute,
  write: 15 * minute,
  verify: 15 * minute,
  grow: 35 * minute,
  identity: 15 * minute,
  files: 15 * minute,
  'after-write': 15 * minute,
  'boot-loader': 35 * minute,
  flush: 30 * minute,
  'hand-over': 15 * minute,
  'first-boot': 15 * minute,
}

/** How long a deployment may stay in its state without a word; 0 where it has ended. */
export function deadlineSeconds({
  state,
  step = 'boot',
  proofSeconds,
}: Pick<Deployment, 'state' | 'step' | 'proofSeconds'>): number {
  switch (state) {
    case 'queued':
    case 'frozen':
      return 7 * day
    case 'booting':
      return silenceSeconds.boot
    case 'running':
      return silenceSeconds[step]
    case 'written':
      // The agent reports its leaving at once; a machine that was cut off here still boots its disk.
      return 5 * minute + proofSeconds
    case 'handed-over':
      return proofSeconds
    default:
      return 0
  }
}

export type Verdict =
  | { state: 'failed'; step: DeployStep; reason: string }
  | { state: 'unproved'; reason: string }
  | { state: 'cancelled'; reason: string }

/** What a deployment past its deadline becomes, in words that say when the machine was last seen, and what that usually means. */
export function overdueVerdict(deployment: Deployment, sight: Sight | undefined, now: number): Verdict {
  const { state, proofSeconds, step = 'boot' } = deployment
  const seen = describeSight(sight, now)
  // What was seen before the deployment was made says nothing about it.
  const usually = `usually means ${usualCause(deployment, sight && sight.at >= sinceOf(deployment) ? sight : undefined)}`
  switch (state) {
    case 'written':
    case 'handed-over': {
      const silence = `no first-boot callback within ${proofSeconds} s, ${seen}; ${usually}`
      return { state: 'unproved', reason: `${silence}: look at its console. Nothing will be written again` }
    }
    case 'frozen':
      return { state: 'cancelled', reason: `nobody decided within 7 days, ${seen}` }
    case 'queued':
      return {
        state: 'failed',
        step: 'boot',
        reason: `it did not boot from the network within 7 days, ${seen}; ${usually}`,
      }
    case 'booting':
      return { state: 'failed', step: 'boot', reason: silent(silenceSeconds.boot, 'its boot script', seen, usually) }
    default:
      return { state: 'failed', step, reason: silent(deadlineSeconds(deployment), 'its last word', seen, usually) }
  }
}

function silent(seconds: number, since: string, seen: string, usually: string): string {
  return `the agent was not heard of within ${seconds / 60} min of ${since}, ${seen}; ${usually}: look at its console`
}

/** From when on what is seen of the machine belongs to the state. */
function sinceOf({ createdAt, handedOverAt }: Deployment): number {
  return handedOverAt ?? createdAt
}
