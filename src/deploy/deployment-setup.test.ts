import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { Hook } from '../core/setup.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { absorbMachine } from '../store/machine-rows.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { SetupRefused } from './deployment-setup.ts'
import { Deployments } from './deployments.ts'
import { Machines } from './machines.ts'
import { choicesOf, type DeploymentRequest } from './new-deployment.ts'
import { Setups } from './setups.ts'
import { StateChanges } from './state-changes.ts'

const request: DeploymentRequest = {
  ...{ image: 'debian', version: 'a'.repeat(64), diskRule: {}, layout: findReadyLayout('whole-disk')! },
  ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
}
const group = { kind: 'group', name: 'default' } as const
const hook = (point: Hook['point'], more: Partial<Hook> = {}): Hook => ({
  ...{ scope: group, point, script: '#!/bin/sh\n', timeoutSeconds: 30, ...more },
})
const password = { scope: group, name: 'password', value: 'hunter22', secret: true }

async function site() {
  const state = new StateChanges(await openStateDatabase(':memory:'))
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  return { state, events, machines, machine, setups: new Setups(state), deployments: new Deployments(state) }
}

type Site = Awaited<ReturnType<typeof site>>

async function running({ deployments, machine }: Site): Promise<string> {
  const { id } = await deployments.create(machine, request)
  await deployments.running(id)
  return id
}

test('create() gives a deployment what its image, group and machine have, rendered at that moment', async () => {
  const { setups, deployments, machine, events } = await site()
  const path = '/etc/motd'
  const template = '{{ machine.name }} {{ image.name }} {{ deployment.id }} {{ colour }}'
  await setups.putFile({ scope: group, path, template, verbatim: false, owner: 'root:root' })
  await setups.putHook(hook('first-boot'))
  await setups.putVariable({ scope: { kind: 'image', name: 'debian' }, name: 'colour', value: 'red', secret: false })
  await setups.putVariable({ scope: { kind: 'image', name: 'other' }, name: 'colour', value: 'no', secret: false })
  const { id, proofSeconds } = await deployments.create(machine, request)
  await setups.putVariable({ scope: { kind: 'machine', name: 'rack-1' }, name: 'colour', value: 'blue', secret: false })
  const setup = await deployments.setup(id)
  assert.equal(setup?.files[0]?.text, `rack-1 debian ${id} red`)
  assert.equal(proofSeconds, 90, 'its proof may come later by what its first-boot hooks may take')
  assert.match(events.findLast(({ kind }) => kind === 'deployment')!.message, /next network boot; 1 hook, 1 file$/)
})

test('create() refuses what cannot be rendered, and nothing is queued', async () => {
  const { setups, deployments, machines, machine } = await site()
  const template = 'server {{ ntp }}'
  await setups.putFile({ scope: group, path: '/etc/ntp.conf', template, verbatim: false, owner: 'root:root' })
  await assert.rejects(deployments.create(machine, request), (error) => {
    assert.ok(error instanceof SetupRefused)
    assert.match(error.message, /^Cannot deploy rack-1: \/etc\/ntp.conf of the group default, line 1: there is no vari/)
    return true
  })
  assert.equal((await machines.get('rack-1')).intent.kind, 'local')
  assert.deepEqual(await deployments.list(), [])
})

test('create() refuses a foreign disk whose hooks would not run, and a rollback has none', async () => {
  const { setups, deployments, machine } = await site()
  await setups.putHook(hook('after-write'))
  await assert.rejects(
    deployments.create(machine, { ...request, rendition: 'disk' }),
    /the after-write hook of the group default would not run: a foreign disk/,
  )
  const { id } = await deployments.create(machine, { ...request, kind: 'rollback', rendition: 'btrfs' })
  assert.equal(await deployments.setup(id), undefined)
})

test('a machine has the setup of its last deployment, and none of them in what the API answers', async () => {
  const { setups, deployments, machine } = await site()
  await setups.putVariable(password)
  await setups.putHook(hook('after-write'))
  const first = await deployments.create(machine, request)
  assert.doesNotMatch(JSON.stringify(first), /hunter22/)
  await deployments.cancel(first.id)
  const second = await deployments.create(machine, request)
  assert.equal(await deployments.setup(first.id), undefined)
  assert.equal((await deployments.setup(second.id))?.hooks.length, 1)
})

test('a retry has the hooks as they are then, and no more time for its proof than they take', async () => {
  const there = await site()
  const { setups, deployments, machine } = there
  await setups.putHook(hook('first-boot'))
  const id = await running(there)
  await deployments.failed(id, 'write', 'the disk is full')
  const failed = await deployments.get(id)
  await setups.putHook(hook('first-boot', { timeoutSeconds: 10 }))
  const again = await deployments.create(machine, { ...choicesOf(failed), retry: { of: id, goesOn: false } })
  assert.deepEqual([failed.proofSeconds, again.proofSeconds], [90, 70])
})

test('stepOutput() keeps each line once, in step and timeline, also when the step ends or fails', async () => {
  const there = await site()
  const { deployments, events } = there
  const id = await running(there)
  await deployments.stepStarted(id, 'after-write')
  await deployments.stepOutput(id, 'after-write', { offset: 0, lines: ['one', 'two\u001b[2J'] })
  await deployments.stepOutput(id, 'after-write', { offset: 0, lines: ['one', 'two\u001b[2J'] })
  await deployments.stepOutput(id, 'after-write', { offset: 1, lines: ['two', 'three'] })
  const output = ['one', 'two [2J', 'three']
  assert.deepEqual((await deployments.get(id)).steps[0]?.output, output)
  const told = events.flatMap(({ message, data }) => (data?.output ? [message] : []))
  assert.deepEqual(told, ['after-write: one', 'after-write: two [2J', 'after-write: three'])
  await deployments.stepDone(id, 'after-write', { seconds: 1 })
  assert.deepEqual((await deployments.get(id)).steps[0], { step: 'after-write', state: 'done', seconds: 1, output })
  await deployments.failed(id, 'after-write', 'words')
  assert.deepEqual((await deployments.get(id)).steps[0], {
    step: 'after-write',
    state: 'failed',
    reported: true,
    output,
  })
})

test('firstBoot() tells what each hook said, without secrets, and counts a report once', async () => {
  const there = await site()
  const { setups, deployments, events } = there
  await setups.putVariable(password)
  await setups.putHook(hook('first-boot'))
  await setups.putHook(hook('first-boot', { scope: { kind: 'machine', name: 'rack-1' } }))
  const id = await running(there)
  await deployments.written(id, { bytesFetched: 0, bytesWritten: 0, bytesReused: 0, sshHostKeys: [] })
  await deployments.handedOver(id)
  const report = { hook: 1, status: 0, seconds: 2, output: 'the password is hunter22\n\nend\n' }
  await deployments.firstBoot(id, report)
  await deployments.firstBoot(id, report)
  const [step] = (await deployments.get(id)).steps
  const output = ['the password is [password]', 'end']
  assert.deepEqual(step, { step: 'first-boot', state: 'started', seconds: 2, hooksEnded: 1, output })
  await deployments.firstBoot(id, { hook: 2, status: 3, seconds: 1, output: 'no network' })
  await deployments.proved(id, 'it called back')
  const after = await deployments.get(id)
  const notice = 'the first-boot hook of the machine rack-1 ended with code 3: no network'
  assert.deepEqual([after.state, after.steps[0]?.state, after.steps[0]?.notice], ['proved', 'failed', notice])
  assert.ok(events.some(({ message }) => message === `first-boot: ${notice}`))
  assert.doesNotMatch(JSON.stringify([events, after]), /hunter22/)
  await assert.rejects(deployments.firstBoot(id, { ...report, hook: 3 }), /has no first-boot hook 3/)
})

test('firstBoot() tells a time limit and a restart from an exit status', async () => {
  const there = await site()
  await there.setups.putHook(hook('first-boot'))
  for (const [status, seconds, words] of [
    [124, 30, 'did not end within 30 s and was killed'],
    [137, 41, 'did not end within 30 s and was killed'],
    [124, 1, 'ended with code 124'],
    ['interrupted', 0, 'was cut off by a restart of the machine, and is not run again'],
  ] as const) {
    const id = await running(there)
    await there.deployments.firstBoot(id, { hook: 1, status, seconds, output: '' })
    const [step] = (await there.deployments.get(id)).steps
    assert.equal(step?.notice, `the first-boot hook of the group default ${words}`)
    await there.deployments.cancel(id)
  }
})

test('a machine takes its hooks along when it is renamed, and when two rows were one computer', async () => {
  const { state, setups, machines, machine } = await site()
  const own = (name: string) => ({ kind: 'machine' as const, name })
  await setups.putHook(hook('after-write', { scope: own('rack-1') }))
  await machines.set('rack-1', { newName: 'rack-9' })
  const other = await machines.set('rack-2', { macs: [parseMac('52:54:00:00:00:02')] })
  await setups.putHook(hook('after-write', { scope: own('rack-2'), script: '#!/bin/false\n' }))
  await setups.putHook(hook('first-boot', { scope: own('rack-2') }))
  await absorbMachine(state.db, other, machine)
  const shown = (await setups.list()).hooks.map(({ scope, point, script }) => [scope.name, point, script.trim()])
  assert.deepEqual(shown, [
    ['rack-9', 'after-write', '#!/bin/sh'],
    ['rack-9', 'first-boot', '#!/bin/sh'],
  ])
  await machines.remove('rack-9')
  assert.deepEqual((await setups.list()).hooks, [])
})
