import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineEvent } from '../../core/timeline.ts'
import { Timeline, TimelineTimeout } from './timeline.ts'

function event(sequence: number, message: string): TimelineEvent {
  return { sequence, at: sequence, kind: 'step', message }
}

/** A service whose connections give the events it has, then end, as one that is restarted does. */
function restartingService(events: readonly TimelineEvent[], eachTime: number) {
  const asked: number[] = []
  async function* open(after: number) {
    asked.push(after)
    yield* events.filter(({ sequence }) => sequence > after).slice(0, eachTime)
    throw new Error('connection reset')
  }
  return { open, asked }
}

test('Timeline.waitFor() finds an event that came before it was asked for', async () => {
  const { open } = restartingService([event(1, 'a'), event(2, 'b')], 2)
  using timeline = new Timeline(open, () => {})
  await timeline.waitFor(({ message }) => message === 'b', { timeoutMs: 1000, what: 'b' })
  assert.equal((await timeline.waitFor(({ message }) => message === 'a', { timeoutMs: 1000, what: 'a' })).sequence, 1)
})

test('Timeline goes on behind the last event it saw after the service went away', async () => {
  const { open, asked } = restartingService([event(1, 'a'), event(2, 'b'), event(3, 'c')], 1)
  const seen: string[] = []
  using timeline = new Timeline(open, ({ message }) => seen.push(message))
  await timeline.waitFor(({ message }) => message === 'c', { timeoutMs: 5000, what: 'c' })
  assert.deepEqual(seen, ['a', 'b', 'c'])
  assert.deepEqual(asked.slice(0, 3), [0, 1, 2])
})

test('Timeline shows passing events and does not keep them', async () => {
  const { open } = restartingService([event(1, 'a')], 1)
  async function* withPassing(after: number) {
    yield event(0, 'half done')
    yield* open(after)
  }
  const seen: string[] = []
  using timeline = new Timeline(withPassing, ({ message }) => seen.push(message))
  await timeline.waitFor(({ message }) => message === 'a', { timeoutMs: 1000, what: 'a' })
  assert.equal(seen[0], 'half done')
  assert.deepEqual(
    timeline.events.map(({ message }) => message),
    ['a'],
  )
})

test('Timeline.waitFor() names what did not come, and the last event', async () => {
  const { open } = restartingService([event(1, 'partition done')], 1)
  using timeline = new Timeline(open, () => {})
  await timeline.waitFor(() => true, { timeoutMs: 1000, what: 'anything' })
  await assert.rejects(
    timeline.waitFor(() => false, { timeoutMs: 20, what: 'the hand-over' }),
    (error: Error) => {
      assert.ok(error instanceof TimelineTimeout)
      assert.match(error.message, /did not show the hand-over: 0\.02 s passed; its last event: partition done/)
      return true
    },
  )
})
