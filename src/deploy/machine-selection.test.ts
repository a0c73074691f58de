import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { ErrandWork } from '../core/errand.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Deployments } from './deployments.ts'
import { Errands } from './errands.ts'
import { listWithState, selectMachines, stateOf } from './machine-selection.ts'
import { Machines } from './machines.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import { StateChanges } from './state-changes.ts'

const order: DeploymentRequest = {
  ...{ image: 'debian', version: 'a'.repeat(64), diskRule: {}, layout: findReadyLayout('whole-disk')! },
  ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
}
const wipe: ErrandWork = { kind: 'wipe', disks: 'all', method: 'auto' }
/** A script whose text looks like a wipe in JSON. */
const run: ErrandWork = {
  ...{ kind: 'run', name: 'x', script: '{"kind":"wipe"}', arguments: [], timeoutSeconds: 60, afterwards: 'stay' },
}
const written = { bytesFetched: 1, bytesWritten: 1, bytesReused: 0, sshHostKeys: [] }

async function site(t: TestContext) {
  const clock = { now: 1_000_000 }
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => clock.now++)
  const machines = new Machines(state)
  for (const [index, name] of ['db-1', 'web-1', 'web-2'].entries()) {
    const macs = [parseMac(`52:54:00:00:00:0${index}`)]
    await machines.set(name, { macs, group: name.slice(0, -2), labels: { rack: String(index) } })
  }
  const names = async (where: string) => (await selectMachines(db, where)).map(({ name }) => name)
  return { db, machines, deployments: new Deployments(state), errands: new Errands(state), names }
}

test('selectMachines() finds by group, label and state, and says so when nothing is found', async (t) => {
  const { db, machines, deployments, names } = await site(t)
  await deployments.create(await machines.get('web-2'), order)
  assert.deepEqual(await names('group=web'), ['web-1', 'web-2'])
  assert.deepEqual(await names('group=web,state=ready'), ['web-1'])
  assert.deepEqual(await names('state=deploying'), ['web-2'])
  assert.deepEqual(await names('label.rack!=1'), ['db-1', 'web-2'])
  await assert.rejects(selectMachines(db, 'state=failed'), /No machine is "state=failed"/)
  assert.deepEqual(await listWithState(db, 'state=failed'), [])
})

test('stateOf() follows a machine through deployment, wipe, script and failure', async (t) => {
  const { db, machines, deployments, errands } = await site(t)
  const machine = () => machines.get('db-1')
  const state = async () => stateOf(db, await machine())
  assert.equal(await state(), 'ready')
  const { id } = await deployments.create(await machine(), order)
  await deployments.running(id)
  assert.equal(await state(), 'deploying')
  await deployments.written(id, written)
  assert.equal(await state(), 'deployed')

  const script = await errands.create(await machine(), run, { once: true })
  assert.equal(await state(), 'running')
  await errands.done(script.id, 'it ended with status 0')
  assert.equal(await state(), 'deployed', 'a script is no wipe')

  const wiping = await errands.create(await machine(), wipe, { once: true })
  assert.equal(await state(), 'wiping')
  await errands.failed(wiping.id, 'erase', 'the disk refused')
  assert.equal(await state(), 'failed')
  const again = await errands.create(await machine(), wipe, { once: true })
  await errands.done(again.id, 'wiped')
  assert.equal(await state(), 'ready')

  const broken = await deployments.create(await machine(), order)
  await deployments.running(broken.id)
  await deployments.failed(broken.id, 'write', 'the disk is full')
  assert.equal(await state(), 'failed')
  const mending = await errands.create(await machine(), run, { once: true })
  await errands.done(mending.id, 'it ended with status 0')
  assert.equal(await state(), 'ready', 'the last word is the script’s')
})

test('setSelected() changes all of a selector or none', async (t) => {
  const { db, machines } = await site(t)
  const changed = await machines.setSelected('group=web', { labels: { role: 'front' }, unsetLabels: ['rack'] })
  assert.deepEqual(
    changed.map(({ name, labels }) => [name, labels]),
    [
      ['web-1', { role: 'front' }],
      ['web-2', { role: 'front' }],
    ],
  )
  const deployments = new Deployments(new StateChanges(db))
  await deployments.create(await machines.get('web-2'), order)
  const refused = machines.setSelected('group=web', { group: 'www', intent: { kind: 'menu' } })
  await assert.rejects(refused, /web-2 has a deployment under way/)
  assert.deepEqual(
    (await listWithState(db)).map(({ group }) => group),
    ['db', 'web', 'web'],
  )
})

test('set() refuses the name and the address of another machine in words', async (t) => {
  const { machines } = await site(t)
  await machines.set('web-1', { address: '10.0.0.9' })
  await assert.rejects(machines.set('web-2', { newName: 'web-1' }), { name: 'Conflict', message: /the name web-1/ })
  await assert.rejects(machines.set('web-2', { address: '10.0.0.9' }), { name: 'Conflict', message: /10\.0\.0\.9/ })
  await machines.set('web-1', { newName: 'web-1', address: '10.0.0.9' })
})
