import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineEvent } from '../core/timeline.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { followTimeline } from './follow-timeline.ts'

async function site() {
  const state = new StateChanges(await openStateDatabase(':memory:'))
  const tell = (count: number, kind: TimelineEvent['kind'] = 'machine') =>
    state.commit(async (change) => {
      for (let index = 0; index < count; index++) await change.tell({ kind, message: 'x' })
    })
  return { state, tell }
}

async function take(events: AsyncGenerator<TimelineEvent>, count: number): Promise<number[]> {
  const sequences: number[] = []
  while (sequences.length < count) sequences.push((await events.next()).value!.sequence)
  return sequences
}

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index)

test('followTimeline() gives all that a reader missed, more than a page, and goes on with what happens', async () => {
  const { state, tell } = await site()
  await tell(2600)
  const stop = new AbortController()
  const events = followTimeline(state, { afterSequence: 10 }, stop.signal)
  assert.deepEqual(await take(events, 2590), upTo(11, 2600))
  await tell(3)
  assert.deepEqual(await take(events, 3), upTo(2601, 2603))
  const next = events.next()
  stop.abort()
  assert.equal((await next).done, true)
})

test('followTimeline() leaves out nothing for a reader that is slower than what happens', async () => {
  const { state, tell } = await site()
  const events = followTimeline(state, { limit: 50 }, new AbortController().signal)
  await tell(1)
  assert.deepEqual(await take(events, 1), [1])
  await tell(5000)
  assert.deepEqual(await take(events, 5000), upTo(2, 5001))
})

test('followTimeline() gives the newest few where no place is named, and only the kinds that are wanted', async () => {
  const { state, tell } = await site()
  await tell(5)
  await tell(3, 'security')
  await tell(2)
  const events = followTimeline(state, { kinds: ['security'], limit: 2 }, new AbortController().signal)
  assert.deepEqual(await take(events, 2), [7, 8])
  await tell(1)
  await tell(1, 'security')
  assert.deepEqual(await take(events, 1), [12])
})
