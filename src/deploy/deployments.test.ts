import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { DeployStep } from '../core/deployment.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Deployments } from './deployments.ts'
import { Machines } from './machines.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import { Conflict } from './refusals.ts'
import { StateChanges } from './state-changes.ts'

const request: DeploymentRequest = {
  image: 'debian',
  version: 'a'.repeat(64),
  diskRule: { serial: 'ROOT' },
  layout: findReadyLayout('whole-disk')!,
  rendition: 'tree',
  filesystem: 'ext4',
  handOver: 'reboot',
  kernelArguments: [],
  proofSeconds: 60,
}
const result = { bytesFetched: 10, bytesWritten: 20, bytesReused: 0, sshHostKeys: ['ssh-ed25519 AAAA'] }

async function site() {
  const clock = { now: 1_000_000 }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const deployments = new Deployments(state)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const queued = await deployments.create(machine, request)
  const intent = async () => (await machines.get('rack-1')).intent
  return { clock, state, events, machines, deployments, machine, id: queued.id, intent }
}

test('create() sets the intent to deploy and counts its revision up', async () => {
  const { intent, id } = await site()
  assert.deepEqual(await intent(), { kind: 'deploy', revision: 1, deploymentId: id })
})

test('create() refuses a second deployment while one is under way', async () => {
  const { deployments, machine } = await site()
  await assert.rejects(deployments.create(machine, request), Conflict)
})

test('Machines.set() leaves the intent of a machine that is being deployed alone', async () => {
  const { machines, intent } = await site()
  await assert.rejects(machines.set('rack-1', { intent: { kind: 'local' } }), /bootwright cancel rack-1/)
  assert.equal((await intent()).kind, 'deploy')
})

test('written() uses the intent up before hand-over, and only once', async () => {
  const { deployments, id, intent } = await site()
  await deployments.booting(id, 'boot-1')
  await deployments.running(id)
  await deployments.written(id, result)
  const after = await intent()
  assert.deepEqual(after, { kind: 'local', revision: 2 })
  await deployments.written(id, result)
  assert.deepEqual(await intent(), after)
})

test('onDisk() is what was written last, whatever was begun since', async () => {
  const { clock, deployments, machine, id } = await site()
  assert.equal((await deployments.onDisk(machine.id))?.version, undefined)
  await deployments.running(id)
  await deployments.written(id, result)
  clock.now += 1000
  const next = await deployments.create(machine, { ...request, version: 'e'.repeat(64) })
  await deployments.running(next.id)
  assert.equal((await deployments.onDisk(machine.id))?.version, request.version)
})

test('written() is refused before the agent had its order', async () => {
  const { deployments, id, intent } = await site()
  await assert.rejects(deployments.written(id, result), Conflict)
  assert.equal((await intent()).kind, 'deploy')
})

test('expireOverdue() calls a missing callback unproved and leaves the intent local', async () => {
  const { deployments, id, intent, clock } = await site()
  await deployments.running(id)
  await deployments.written(id, result)
  await deployments.handedOver(id)
  clock.now += 59_000
  await deployments.expireOverdue()
  assert.equal((await deployments.get(id)).state, 'handed-over')
  clock.now += 2_000
  await deployments.expireOverdue()
  assert.equal((await deployments.get(id)).state, 'unproved')
  assert.equal((await intent()).kind, 'local')
})

test('proved() is accepted late, after unproved', async () => {
  const { deployments, id, clock } = await site()
  await deployments.running(id)
  await deployments.written(id, result)
  clock.now += 10_000_000
  await deployments.expireOverdue()
  await deployments.proved(id, 'the deployed system called back')
  assert.equal((await deployments.get(id)).state, 'proved')
})

test('proved() tells how long the hand-over took', async () => {
  const { clock, deployments, events, id } = await site()
  await deployments.running(id)
  await deployments.written(id, result)
  await deployments.handedOver(id, 'kexec')
  clock.now += 41_200
  await deployments.proved(id, 'the deployed system called back')
  assert.equal(events.at(-1)?.message, 'proved: the deployed system called back, 41.2 s after the agent left by kexec')
  const { handedOverBy, handOverSeconds } = await deployments.get(id)
  assert.deepEqual([handedOverBy, handOverSeconds], ['kexec', 41.2])
})

test('cameByFirmware() tells that a kernel started by kexec did not stay, until there is proof', async () => {
  const { deployments, events, id } = await site()
  const { machineId } = await deployments.get(id)
  await deployments.running(id)
  await deployments.written(id, result)
  await deployments.cameByFirmware(machineId)
  assert.doesNotMatch(events.at(-1)!.message, /kexec/, 'a machine that was not left yet was cut off')
  await deployments.handedOver(id, 'kexec')
  await deployments.cameByFirmware(machineId)
  assert.match(events.at(-1)!.message, /^hand-over: the kernel that was started by kexec did not stay/)
  await deployments.proved(id, 'the deployed system called back')
  assert.equal((await deployments.get(id)).handedOverBy, 'kexec-then-reboot')
  const before = events.length
  await deployments.cameByFirmware(machineId)
  assert.equal(events.length, before)
})

test('proved() notices a boot order that the firmware did not keep over its restart', async () => {
  const { deployments, events, id } = await site()
  await deployments.running(id)
  await deployments.stepDone(id, 'boot-loader', {})
  await deployments.written(id, { ...result, bootOrder: ['0003', '0004', '0000'] })
  await deployments.handedOver(id)
  await deployments.proved(id, 'the deployed system called back', ['0000', '0003'])
  const { state, steps } = await deployments.get(id)
  assert.equal(state, 'proved')
  assert.match(steps.at(-1)?.notice ?? '', /0003 0004 0000 was set, it has 0000 0003/)
  assert.ok(events.some(({ message }) => message === `boot-loader: ${steps.at(-1)?.notice}`))
})

test('stepDone() keeps a notice with its step and tells it as an event of its own', async () => {
  const { deployments, events, id } = await site()
  await deployments.running(id)
  await deployments.stepDone(id, 'boot-loader', { notice: 'the firmware did not keep the boot order' })
  assert.equal(events.at(-1)?.message, 'boot-loader: the firmware did not keep the boot order')
  assert.equal((await deployments.get(id)).steps.at(-1)?.notice, 'the firmware did not keep the boot order')
})

test('failed() before the disk was touched returns the machine to its disk', async () => {
  const { deployments, id, intent } = await site()
  await deployments.running(id)
  await deployments.stepStarted(id, 'select-disk')
  await deployments.failed(id, 'select-disk', 'no disk matches')
  assert.equal((await intent()).kind, 'local')
  assert.equal((await deployments.get(id)).failure, 'no disk matches')
})

test('failed() after the disk was begun on keeps the machine in the agent', async () => {
  const { deployments, id, intent } = await site()
  await deployments.running(id)
  await deployments.stepDone(id, 'select-disk', {})
  await deployments.stepStarted(id, 'partition')
  await deployments.failed(id, 'partition', 'sfdisk ended with 1')
  assert.equal((await intent()).kind, 'discover')
})

test('failed() of what is received beside other systems returns the machine to them, until their boot loader changes', async () => {
  const { deployments, machines, machine, id } = await site()
  const intentAfter = async (step: DeployStep) => {
    const layout = findReadyLayout('receive')!
    const received = await deployments.create(machine, { ...request, rendition: 'btrfs', layout })
    await deployments.running(received.id)
    await deployments.stepStarted(received.id, step)
    await deployments.failed(received.id, step, 'the disk is full')
    return (await machines.get('rack-1')).intent.kind
  }
  await deployments.cancel(id)
  assert.equal(await intentAfter('write'), 'local')
  assert.equal(await intentAfter('boot-loader'), 'discover')
})

test('expireOverdue() fails a silent agent at its step, with what that usually means', async () => {
  const { deployments, id, clock } = await site()
  await deployments.running(id)
  await deployments.stepStarted(id, 'write')
  clock.now += 16 * 60_000
  await deployments.expireOverdue()
  const { state, step, failure } = await deployments.get(id)
  assert.deepEqual([state, step], ['failed', 'write'])
  assert.match(
    failure!,
    /^the agent was not heard of within 15 min of its last word, last seen 16 min before, at 1970-01-01 00:16:40 UTC, by its agent \(write\); usually means that it lost power/,
  )
})

test('expireOverdue() says how the machine was last seen, by its own doing alone', async () => {
  const { clock, state, deployments, machine, id } = await site()
  const tell = (kind: TimelineEvent['kind'], message: string) =>
    state.commit((change) => change.tell({ machineId: machine.id, kind, message }))
  clock.now += 1000
  await tell('tftp', 'undionly.kpxe: 70 kB in 0.2 s')
  await tell('machine', 'rack-1 was changed: group')
  clock.now += 8 * 24 * 3600_000
  await deployments.expireOverdue()
  const { step, failure } = await deployments.get(id)
  assert.equal(step, 'boot')
  assert.match(
    failure!,
    /last seen 8 days before, .* by TFTP \(undionly.kpxe: 70 kB in 0.2 s\); usually means that its loader/,
  )
})

test('forgiveAbsence() leaves an agent time to report to a server that was away', async () => {
  const { clock, deployments, id } = await site()
  await deployments.running(id)
  await deployments.stepStarted(id, 'write')
  clock.now += 60 * 60_000
  await deployments.forgiveAbsence(900)
  await deployments.expireOverdue()
  assert.equal((await deployments.get(id)).state, 'running')
  clock.now += 901_000
  await deployments.expireOverdue()
  assert.equal((await deployments.get(id)).state, 'failed')
})

test('booting() fails a deployment whose boots get no further, at its step, and does not start it again', async () => {
  const { deployments, id, intent } = await site()
  for (const boot of ['one', 'two', 'three']) {
    assert.equal(await deployments.booting(id, boot), 'booting')
    assert.equal(await deployments.booting(id, boot), 'booting', 'a script that is fetched again is the same boot')
    await deployments.running(id)
    await deployments.stepStarted(id, 'select-disk')
    await deployments.stepStarted(id, 'write')
    await deployments.stepProgress(id, 'write', 40, 100)
  }
  assert.equal(await deployments.booting(id, 'four'), 'failed')
  const { state, step, failure } = await deployments.get(id)
  assert.deepEqual([state, step], ['failed', 'write'])
  assert.match(
    failure!,
    /^it was booted 3 times and got no further than write, at 40 %, last seen 0 s before, .* by its agent/,
  )
  assert.equal((await intent()).kind, 'discover', 'the disk was begun on')
})

test('booting() counts anew from the boot that gets further', async () => {
  const { deployments, id } = await site()
  for (const [boot, step] of [
    ...[['1', 'partition'] as const, ['2', 'partition'] as const, ['3', 'write'] as const],
    ...[['4', 'write'] as const, ['5', 'verify'] as const],
  ]) {
    assert.equal(await deployments.booting(id, boot), 'booting', boot)
    await deployments.running(id)
    await deployments.stepStarted(id, step)
  }
  assert.equal((await deployments.get(id)).boots.fruitless, 1)
})

test('booting() fails at boot, and leaves the machine to its disk, where the agent never came up', async () => {
  const { deployments, id, intent } = await site()
  for (const boot of ['one', 'two', 'three']) await deployments.booting(id, boot)
  assert.equal(await deployments.booting(id, 'four'), 'failed')
  const { step, failure } = await deployments.get(id)
  assert.equal(step, 'boot')
  assert.match(failure!, /booted 3 times and its agent never came to its order; usually means/)
  assert.equal((await intent()).kind, 'local')
})

test('cancel() of a deployment that did not begin leaves a machine in the agent whose disk one before it began on', async () => {
  const { clock, deployments, machine, id, intent } = await site()
  await deployments.running(id)
  await deployments.stepStarted(id, 'write')
  await deployments.failed(id, 'write', 'the disk does not write')
  clock.now += 1000
  const second = await deployments.create(machine, request)
  await deployments.running(second.id)
  await deployments.stepStarted(second.id, 'select-disk')
  await deployments.failed(second.id, 'select-disk', 'no disk matches')
  assert.equal((await intent()).kind, 'discover')
})

test('failed() and expireOverdue() make no other deployment: what failed stays so', async () => {
  const { clock, deployments, machine, id } = await site()
  await deployments.running(id)
  await deployments.stepStarted(id, 'write')
  await deployments.failed(id, 'write', 'the disk does not write')
  clock.now += 30 * 24 * 3600_000
  await deployments.expireOverdue()
  assert.deepEqual(
    (await deployments.list(machine.id)).map(({ id: one, state }) => [one, state]),
    [[id, 'failed']],
  )
  await assert.rejects(deployments.booting(id, 'a-boot'), Conflict)
})

test('stepStarted() is refused once the deployment was cancelled', async () => {
  const { deployments, id } = await site()
  await deployments.running(id)
  await deployments.cancel(id)
  await assert.rejects(deployments.stepStarted(id, 'write'), Conflict)
})

test('stepStarted() of an earlier step, after a reset, drops what followed it', async () => {
  const { deployments, id } = await site()
  await deployments.running(id)
  await deployments.stepDone(id, 'select-disk', {})
  await deployments.stepDone(id, 'partition', { seconds: 1 })
  await deployments.stepStarted(id, 'select-disk')
  assert.deepEqual((await deployments.get(id)).steps, [{ step: 'select-disk', state: 'started' }])
})

test('freeze() takes the deploy intent away', async () => {
  const { deployments, id, intent } = await site()
  await deployments.running(id)
  await deployments.freeze(id, 'token used twice')
  assert.equal((await deployments.get(id)).state, 'frozen')
  assert.equal((await intent()).kind, 'discover')
})

test('commit() makes nothing known when the transaction fails', async () => {
  const { state, events, machine } = await site()
  const before = events.length
  await assert.rejects(
    state.commit(async (change) => {
      await change.tell({ machineId: machine.id, kind: 'machine', message: 'never' })
      throw new Error('disk full')
    }),
    /disk full/,
  )
  assert.equal(events.length, before)
})
