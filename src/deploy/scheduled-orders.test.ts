import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { MachineOrder, PlacedOrder } from '../core/machine-order.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Machines } from './machines.ts'
import { ScheduledOrders } from './scheduled-orders.ts'
import { StateChanges } from './state-changes.ts'

const order: MachineOrder = { kind: 'boot', intent: { kind: 'menu' } }

async function site() {
  const clock = { now: 1_000_000 }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const one = await machines.set('one', { macs: [parseMac('52:54:00:00:00:01')] })
  const two = await machines.set('two', { macs: [parseMac('52:54:00:00:00:02')] })
  const schedule = new ScheduledOrders(state)
  const scheduled = await schedule.add([one, two], order, clock.now + 60_000)
  const placed: string[] = []
  const place = async (machine: string): Promise<PlacedOrder> => {
    placed.push(machine)
    return { machine, ...(machine === 'two' && { refused: 'two is held' }) }
  }
  return { clock, events, schedule, scheduled, placed, place }
}

test('placeDue() places an order at its time, once, and keeps who was refused', async () => {
  const { clock, events, schedule, placed, place } = await site()
  await schedule.placeDue(place)
  assert.deepEqual(placed, [], 'its time has not come')
  clock.now += 60_000
  await schedule.placeDue(place)
  await schedule.placeDue(place)
  assert.deepEqual(placed, ['one', 'two'])
  const [{ state, placed: outcome } = assert.fail()] = await schedule.list()
  assert.deepEqual([state, outcome], ['placed', [{ machine: 'one' }, { machine: 'two', refused: 'two is held' }]])
  assert.ok(events.some(({ message }) => message === 'boot menu was refused: two is held'))
})

test('placeDue() places nothing an hour late', async () => {
  const { clock, events, schedule, placed, place } = await site()
  clock.now += 60_000 + 3600_000 + 1
  await schedule.placeDue(place)
  assert.deepEqual([placed, (await schedule.list())[0]?.state], [[], 'missed'])
  assert.equal(events.filter(({ message }) => /was missed/.test(message)).length, 2)
})

test('cancel() takes back what waits, and refuses what does not', async () => {
  const { clock, schedule, scheduled, placed, place } = await site()
  await schedule.cancel(scheduled.id)
  clock.now += 60_000
  await schedule.placeDue(place)
  assert.deepEqual(placed, [])
  await assert.rejects(schedule.cancel(scheduled.id), /is cancelled already/)
  await assert.rejects(schedule.cancel('other'), /There is no scheduled order/)
})
