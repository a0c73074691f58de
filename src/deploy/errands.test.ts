import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { ErrandWork } from '../core/errand.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Errands, type ErrandTerms } from './errands.ts'
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

async function site(work: ErrandWork = run, terms: ErrandTerms = { once: true }) {
  const clock = { now: 1_000_000 }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const errands = new Errands(state)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const { id } = await errands.create(machine, work, terms)
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
  await errands.booting(id, 'boot 1')
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
  await errands.booting(id, 'boot 1')
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
  assert.match(
    failure ?? '',
    /^the agent was not heard of within 15 min of its last word, last seen 15 min before, at .* UTC, by its agent \(run-script\); usually means that the script restarted/,
  )
})

test('booting() ends an errand in whose boots the agent never comes up, and counts a script that is fetched again once', async () => {
  const { errands, id, intent } = await site()
  for (const nonce of ['a', 'b', 'b', 'c']) assert.equal(await errands.booting(id, nonce), 'booting')
  assert.equal(await errands.booting(id, 'd'), 'failed')
  const { step, failure } = await errands.get(id)
  assert.equal(step, 'boot')
  assert.match(failure ?? '', /booted 3 times and its agent never came to its order.*then order it again$/)
  assert.equal((await intent()).kind, 'local')
})

test('booting() ends a wipe that gets no further, at its step, and one that has begun leaves no machine to its disk', async () => {
  const { errands, id, intent } = await site(wipe, { once: true, bootAttempts: 2 })
  const boot = async (nonce: string) => {
    assert.equal(await errands.booting(id, nonce), 'booting', nonce)
    await errands.running(id)
    await errands.stepStarted(id, 'select-disks')
  }
  await boot('a')
  await errands.stepStarted(id, 'plant-canaries')
  await errands.stepProgress(id, 'plant-canaries', 40, 100)
  await boot('b')
  assert.equal(await errands.booting(id, 'c'), 'failed')
  const { step, failure } = await errands.get(id)
  assert.equal(step, 'select-disks', 'where the last boot ended')
  assert.match(failure ?? '', /booted 2 times and got no further than plant-canaries, at 40 %, last seen 0 s before/)
  assert.equal((await intent()).kind, 'discover', 'canaries were planted')
})

test('booting() counts the boots of an errand for every boot from its last end on', async () => {
  const { errands, id } = await site(run, { once: false })
  for (let boot = 0; boot < 12; boot++) {
    assert.equal(await errands.booting(id, `boot ${boot}`), 'booting')
    await errands.running(id)
    await errands.stepStarted(id, 'run-script')
    await errands.done(id, 'done')
    await errands.output(id, boot, 'x')
  }
})

test('booting() ends a kernel that is booted again and again and never says that it is done', async () => {
  const boot = { kernel: 'installer/vmlinuz', arguments: ['done={{done}}'] }
  const { errands, id } = await site({ kind: 'kernel', boot, timeoutSeconds: 600 })
  for (const nonce of ['a', 'b', 'c', 'd']) await errands.booting(id, nonce)
  const { state, step, failure } = await errands.get(id)
  assert.deepEqual([state, step], ['failed', 'boot-kernel'])
  assert.match(failure ?? '', /booted 3 times and nothing ever fetched its done URL/)
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
