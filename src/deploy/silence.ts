import type { WorkStep } from '../core/agent-protocol.ts'
import type { Deployment } from '../core/deployment.ts'
import type { Errand } from '../core/errand.ts'
import { describeSight, type Sight } from './last-sight.ts'
import { usualCause } from './usual-causes.ts'

export const minute = 60
/** How long an order waits for its machine, and what is frozen for a person. */
export const patienceSeconds = 7 * 24 * 60 * minute

/** More than the deadlines of the programs that the agent waits for. Of hooks it says every minute that they still run. */
const longSilence: Partial<Record<WorkStep, number>> = {
  'make-filesystems': 20 * minute,
  grow: 35 * minute,
  'boot-loader': 35 * minute,
  flush: 30 * minute,
}

/** How long the agent may say nothing in a step. */
export function silenceSeconds(step: WorkStep): number {
  return longSilence[step] ?? 15 * minute
}

/** What a machine was to do and did not. */
type Awaited = Pick<Deployment, 'createdAt' | 'handedOverAt'> & {
  state: Deployment['state'] | Errand['state']
  step?: WorkStep
}

export type SilentVerdict<Step> =
  | { state: 'failed'; step: Step | 'boot'; reason: string }
  | { state: 'cancelled'; reason: string }

/** Of what was not begun, or fell silent before its end: what it becomes at its deadline. */
export function silentVerdict<Step extends WorkStep>(
  work: Awaited & { step?: Step },
  sight: Sight | undefined,
  now: number,
): SilentVerdict<Step> {
  const { state, step = 'boot' } = work
  const absence = describeAbsence(work, sight, now)
  const silent = (seconds: number, since: string) =>
    `the agent was not heard of within ${seconds / minute} min of ${since}, ${absence}: look at its console`
  switch (state) {
    case 'frozen':
      return { state: 'cancelled', reason: `nobody decided within 7 days, ${describeSight(sight, now)}` }
    case 'queued':
      return { state: 'failed', step: 'boot', reason: `it did not boot from the network within 7 days, ${absence}` }
    case 'booting':
      return { state: 'failed', step: 'boot', reason: silent(silenceSeconds('boot'), 'its boot script') }
    default:
      return { state: 'failed', step, reason: silent(silenceSeconds(step), 'its last word') }
  }
}

/** `last seen …; usually means …`. */
export function describeAbsence(work: Awaited, sight: Sight | undefined, now: number): string {
  // What was seen before the work came into its state says nothing about it.
  const own = sight && sight.at >= (work.handedOverAt ?? work.createdAt) ? sight : undefined
  return `${describeSight(sight, now)}; usually means ${usualCause(work, own)}`
}
