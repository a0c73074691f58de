import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { ErrandWork } from '../core/errand.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Errands } from './errands.ts'
import { Machines } from './machines.ts'
import { Conflict } from './refusals.ts'
import { StateChanges } from './state-changes.ts'

const run: ErrandWork = {
  ...{
    kind: 'run',
    name: 'stress.sh',
    script: 'IyEvYmluL3NoCg==',
    arguments: [],
    timeoutSeconds: 60,
    afterwards: 'stay',
  },
}
const wipe: ErrandWork = { kind: 'wipe', disks: 'all', method: 'auto' }

async function site(work: ErrandWork = run, options = { once: true }) {
  const clock = { now: 1_000_000 }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const errands = new Errands(state)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const { id } = await errands.create(machine, work, options)
  const intent = async () => (await machines.get('rack-1')).intent
  return { clock, events, machines, errands, machine, id, intent }
}

test('create() sets the intent to the errand, and refuses a second order', async () => {
  const { errands, machine, intent, id } = await site()
  assert.deepEqual(await intent(), { kind: 'run', revision: 1, errandId: id })
  await assert.rejects(
    errands.create(machine, wipe, { once: true }),
    /the order run under way.*bootwright cancel rack-1/,
  )
})

test('done() uses the intent up: the machine boots what it boots while nothing is ordered', async () => {
  const { machines, errands, id, intent, events } = await site()
  await errands.booting(id)
  await errands.running(id)
  await errands.done(id, 'it ended with status 0', { status: 0 })
  await errands.done(id, 'its done URL was fetched')
  assert.equal((await intent()).kind, 'local')
  assert.deepEqual((await errands.get(id)).result, { status: 0 })
  const told = events.filter(({ data }) => data?.state === 'done')
  assert.deepEqual(
    told.map(({ message }) => message),
    ['run done: it ended with status 0'],
  )
  await machines.set('rack-1', { intent: { kind: 'kernel', boot: { kernel: 'vmlinuz' } } })
  const { id: second } = await errands.create(await machines.get('rack-1'), run, { once: true })
  await errands.done(second, 'done')
  assert.equal((await intent()).kind, 'kernel', 'the standing intent')
})

test('done() of an errand for every boot leaves the intent, and the errand waits for the next boot', async () => {
  const { clock, errands, id, intent } = await site(run, { once: false })
  await errands.running(id)
  await errands.done(id, 'done')
  assert.deepEqual([(await errands.get(id)).state, (await intent()).errandId], ['queued', id])
  clock.now += 30 * 86_400_000
  await errands.expireOverdue()
  assert.equal((await errands.get(id)).state, 'queued', 'nobody waits for it')
})

test('done() of a wipe leaves a machine that waits in the agent: it has nothing to boot', async () => {
  const { machines, errands, id } = await site(wipe)
  await errands.running(id)
  await errands.done(id, 'wiped')
  const { intent, standing } = await machines.get('rack-1')
  assert.deepEqual([intent.kind, standing.kind], ['discover', 'discover'])
})

test('cancel() of a wipe that has begun does not send the machine to its disk', async () => {
  for (const [steps, kind] of [
    [['select-disks'], 'local'],
    [['select-disks', 'plant-canaries'], 'discover'],
  ] as const) {
    const { errands, id, intent } = await site(wipe)
    await errands.running(id)
    for (const step of steps) await errands.stepStarted(id, step)
    await errands.cancel(id)
    assert.equal((await intent()).kind, kind, steps.join(' '))
  }
})

test('stepStarted() refuses reports of an errand that has ended', async () => {
  const { errands, id } = await site()
  await errands.running(id)
  await errands.failed(id, 'run-script', 'it ended with status 3')
  await assert.rejects(errands.stepStarted(id, 'run-script'), Conflict)
  const { state, step, failure, steps } = await errands.get(id)
  assert.deepEqual([state, step, failure], ['failed', 'run-script', 'it ended with status 3'])
  assert.deepEqual(steps, [{ step: 'run-script', state: 'failed' }])
})

test('output() keeps each character once, in order, up to its limit', async () => {
  const { errands, id } = await site()
  await errands.running(id)
  await errands.output(id, 0, 'one two ')
  await errands.output(id, 0, 'one two ')
  await errands.output(id, 4, 'two three')
  assert.equal(await errands.readOutput(id), 'one two three')
  await errands.output(id, 13, 'x'.repeat(1024 * 1024))
  await errands.output(id, 13 + 1024 * 1024, 'and more')
  assert.equal((await errands.readOutput(id)).length, 1024 * 1024)
})

test('expireOverdue() fails what is not heard of, in words, and gives up nobody who reports', async () => {
  const { clock, errands, id, intent } = await site()
  await errands.booting(id)
  await errands.running(id)
  clock.now += 14 * 60_000
  await errands.stepProgress(id, 'run-script', 10)
  clock.now += 14 * 60_000
  await errands.expireOverdue()
  assert.equal((await errands.get(id)).state, 'running')
  clock.now += 60_000
  await errands.expireOverdue()
  const { state, failure } = await errands.get(id)
  assert.deepEqual([state, (await intent()).kind], ['failed', 'local'])
  assert.match(failure ?? '', /last heard of 15 minutes ago.*Usually/)
})

test('freeze() keeps the machine in the agent until a person decides', async () => {
  const { errands, id, intent } = await site(wipe)
  await errands.hold(id, 'two machines have one UUID')
  assert.deepEqual([(await errands.get(id)).state, (await intent()).kind], ['frozen', 'discover'])
  await errands.cancel(id)
  assert.equal((await errands.get(id)).state, 'cancelled')
})

test('a script that said by its done URL that it is done is still heard, and its status counts no more', async () => {
  const { errands, id } = await site()
  await errands.running(id)
  await errands.output(id, 0, 'before ')
  await errands.done(id, 'its done URL was fetched')
  await errands.output(id, 7, 'after')
  assert.equal(await errands.readOutput(id), 'before after')
  await assert.rejects(errands.failed(id, 'run-script', 'it ended with status 1'), Conflict)
  assert.equal((await errands.get(id)).state, 'done')
})
