import { setTimeout as wait } from 'node:timers/promises'
import { timedStates as openDeployments } from '../deploy/deployments.ts'
import { timedStates as openErrands } from '../deploy/errands.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import { deleteEvents, lastSequenceBefore, newestSequence, nextRemovable } from '../store/event-rows.ts'

export type RetentionPolicy = { keepDays: number; keepCount: number }
export const usualRetention: RetentionPolicy = { keepDays: 90, keepCount: 1_000_000 }

const dayMs = 86_400_000
/** A commit of this many is through in a few milliseconds. */
const batchEvents = 250
const pauseMs = 20

export type Removed = { removed: number; kept: number; throughSequence: number }

/**
 * Removes the events that are too old or too many, from the oldest on, a few at a time with everybody else's commits between
 * them. Those of work that goes on stay.
 */
export async function removeOldEvents(
  state: StateChanges,
  { keepDays, keepCount }: RetentionPolicy,
  signal: AbortSignal,
): Promise<Removed> {
  const { db } = state
  const tooOld = await lastSequenceBefore(db, state.now() - keepDays * dayMs)
  const tooMany = (await newestSequence(db)) - keepCount
  const throughSequence = Math.max(tooOld, tooMany)
  const open = { deployments: openDeployments, errands: openErrands }
  let [afterSequence, removed, kept] = [0, 0, 0]
  while (!signal.aborted && afterSequence < throughSequence) {
    const batch = await state.commit(async (change) => {
      const next = await nextRemovable(change.db, { afterSequence, throughSequence, limit: batchEvents }, open)
      const sequences = next.filter(({ isOfOpenWork }) => !isOfOpenWork).map(({ sequence }) => sequence)
      if (sequences.length > 0) await deleteEvents(change.db, sequences)
      return { seen: next.length, removed: sequences.length, last: next.at(-1)?.sequence }
    })
    if (batch.last === undefined) break
    afterSequence = batch.last
    removed += batch.removed
    kept += batch.seen - batch.removed
    await wait(pauseMs, undefined, { signal }).catch(() => undefined)
  }
  if (removed > 0) await tellRemoved(state, { keepDays, keepCount }, { removed, kept, throughSequence })
  return { removed, kept, throughSequence }
}

async function tellRemoved(state: StateChanges, policy: RetentionPolicy, result: Removed): Promise<void> {
  const { removed, kept } = result
  const stays = kept === 0 ? '' : `; ${kept} of work that goes on stay`
  const message = `the timeline keeps ${policy.keepDays} days and ${policy.keepCount} events: ${removed} older ones were removed${stays}`
  await state.commit((change) => change.tell({ kind: 'server', message, data: result }))
}
