import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { listEvents } from '../store/event-rows.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { removeOldEvents } from './retention.ts'

const dayMs = 86_400_000
const never = new AbortController().signal

async function site() {
  const clock = { now: 1_000 * dayMs }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const tell = (message: string) => state.commit((change) => change.tell({ kind: 'server', message }))
  const messages = async () => (await listEvents(state.db, { limit: 10_000 })).map(({ message }) => message)
  return { clock, state, tell, messages }
}

test('removeOldEvents() removes what is older than the days that are kept, and tells it', async () => {
  const { clock, state, tell, messages } = await site()
  for (let index = 0; index < 600; index++) await tell(`old ${index}`)
  clock.now += 11 * dayMs
  await tell('new')
  const result = await removeOldEvents(state, { keepDays: 10, keepCount: 1000 }, never)
  assert.deepEqual(result, { removed: 600, kept: 0, throughSequence: 600 })
  assert.deepEqual(await messages(), ['new', 'the timeline keeps 10 days and 1000 events: 600 older ones were removed'])
})

test('removeOldEvents() removes what is more than the count that is kept, the oldest first', async () => {
  const { state, tell, messages } = await site()
  for (let index = 0; index < 30; index++) await tell(`event ${index}`)
  await removeOldEvents(state, { keepDays: 10, keepCount: 10 }, never)
  assert.deepEqual(
    (await messages()).slice(0, 10),
    Array.from({ length: 10 }, (_, index) => `event ${index + 20}`),
  )
})

test('removeOldEvents() leaves the events of work that goes on, and takes them when it has ended', async () => {
  const { clock, state, tell, messages } = await site()
  const machine = await new Machines(state).set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const errands = new Errands(state)
  const { id } = await errands.create(machine, { kind: 'rescue', sshKeys: [] }, { once: true })
  await tell('old')
  clock.now += 20 * dayMs
  await removeOldEvents(state, { keepDays: 10, keepCount: 1000 }, never)
  const kept = await messages()
  assert.equal(kept.length, 2)
  assert.match(kept[0]!, /^rescue queued/)
  assert.match(kept[1]!, /2 older ones were removed; 1 of work that goes on stay/)
  await errands.cancel(id)
  const { removed } = await removeOldEvents(state, { keepDays: 10, keepCount: 1000 }, never)
  assert.equal(removed, 1)
})

test('removeOldEvents() says nothing where nothing was to be removed', async () => {
  const { state, tell, messages } = await site()
  await tell('new')
  await removeOldEvents(state, { keepDays: 10, keepCount: 1000 }, never)
  assert.deepEqual(await messages(), ['new'])
})
