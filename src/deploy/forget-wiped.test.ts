import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { ErrandWork } from '../core/errand.ts'
import type { Inventory } from '../core/inventory.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Deployments } from './deployments.ts'
import { Errands } from './errands.ts'
import { Machines } from './machines.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import { chooseRetry } from './retry.ts'
import { StateChanges } from './state-changes.ts'

const disk = (serial: string) => ({
  ...{ device: `/dev/${serial}`, serial, bus: 'sata', sizeBytes: 1e9, logicalSectorBytes: 512 },
  ...{ physicalSectorBytes: 512, rotational: true, removable: false, readOnly: false },
})
const inventory: Inventory = {
  ...{ firmware: 'bios', architecture: 'x64', smbios: {}, cpu: { model: 'x', count: 1 }, memoryBytes: 1e9 },
  ...{ disks: [disk('sda'), disk('sdb')], interfaces: [], drivers: [] },
}

/** A machine with a version on the disk sda. */
async function deployedMachine() {
  const clock = { now: 1_000_000 }
  const db = await openStateDatabase(':memory:')
  const state = new StateChanges(db, () => clock.now++)
  const [machines, deployments, errands] = [new Machines(state), new Deployments(state), new Errands(state)]
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await machines.recordInventory(machine.id, inventory, true)
  const deploy = async (layout = 'whole-disk', more: Partial<DeploymentRequest> = {}) => {
    const { id } = await deployments.create(await machines.get('rack-1'), {
      ...{ image: 'debian', version: 'a'.repeat(64), diskRule: { serial: 'sda' }, layout: findReadyLayout(layout)! },
      ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
      ...more,
    })
    return id
  }
  const id = await deploy()
  await deployments.running(id)
  await deployments.written(id, { bytesFetched: 1, bytesWritten: 1, bytesReused: 0, sshHostKeys: [] })
  const order = async (disks: (ErrandWork & { kind: 'wipe' })['disks']) => {
    const wipe = { kind: 'wipe', disks, method: 'auto' } as const
    const errand = await errands.create(await machines.get('rack-1'), wipe, { once: true })
    await errands.running(errand.id)
    return errand.id
  }
  const onDisk = async () => (await deployments.onDisk(machine.id))?.id
  /** A deployment that its agent ends by its own word, with a root that a retry would keep. */
  const failWriting = async (...wish: Parameters<typeof deploy>) => {
    const failed = await deploy(...wish)
    await deployments.running(failed)
    await deployments.stepStarted(failed, 'write')
    await deployments.failed(failed, 'write', 'EIO')
    return failed
  }
  const wipe = async (...disks: Parameters<typeof order>) => {
    const errand = await order(...disks)
    await errands.stepStarted(errand, 'plant-canaries')
    await errands.done(errand, 'erased', { disks: [] })
  }
  const retry = async () => chooseRetry(db, await machines.get('rack-1'))
  return { state, deployments, errands, machines, id, order, onDisk, deploy, failWriting, wipe, retry }
}

test('a wipe takes the version off the disk when it begins to write, not before', async () => {
  const { deployments, errands, id, order, onDisk } = await deployedMachine()
  const wipe = await order('all')
  await errands.stepStarted(wipe, 'select-disks')
  assert.equal(await onDisk(), id)
  await errands.stepStarted(wipe, 'plant-canaries')
  await errands.stepStarted(wipe, 'plant-canaries')
  assert.equal(await onDisk(), undefined)
  assert.equal((await deployments.get(id)).state, 'wiped')
})

test('a wipe that fails keeps what was done, and the version stays forgotten', async () => {
  const { errands, order, onDisk } = await deployedMachine()
  const wipe = await order({ serial: 'sda' })
  await errands.stepStarted(wipe, 'plant-canaries')
  const result = { disks: [] }
  await errands.failed(wipe, 'verify', 'byte 0 holds a canary', result)
  assert.deepEqual((await errands.get(wipe)).result, result)
  assert.equal(await onDisk(), undefined)
})

test('a wipe of another disk leaves the version; a rule that says nothing certain does not', async () => {
  const { errands, id, order, onDisk } = await deployedMachine()
  const other = await order({ serial: 'sdb' })
  await errands.stepStarted(other, 'plant-canaries')
  await errands.done(other, 'sdb erased', { disks: [] })
  assert.equal(await onDisk(), id)
  const unclear = await order({ serial: 'unknown' })
  await errands.stepStarted(unclear, 'plant-canaries')
  assert.equal(await onDisk(), undefined)
})

test('a retry of what was being written keeps its root, and begins anew where the disk was wiped since', async () => {
  const { failWriting, wipe, retry } = await deployedMachine()
  const failed = await failWriting()
  assert.deepEqual((await retry()).request.retry, { of: failed, goesOn: true })
  await wipe({ serial: 'sdb' })
  assert.deepEqual((await retry()).request.retry, { of: failed, goesOn: true }, 'another disk')
  await wipe('all')
  const { request, detail } = await retry()
  assert.deepEqual(request.retry, { of: failed, goesOn: false })
  assert.match(detail, /its disk was wiped since: begins anew$/)
})

test('a retry of a retry that was cancelled before its boot begins anew where the disk was wiped between', async () => {
  const { deployments, machines, failWriting, wipe, retry } = await deployedMachine()
  await failWriting()
  const cancelled = await deployments.create(await machines.get('rack-1'), (await retry()).request)
  await deployments.cancel(cancelled.id)
  assert.equal((await retry()).request.retry?.goesOn, true)
  await wipe('all')
  assert.deepEqual((await retry()).request.retry, { of: cancelled.id, goesOn: false })
})

test('a retry after a wipe that only began, and of what the disk was to keep, is refused in words', async () => {
  for (const [layout, more] of [
    ['update', {}],
    ['reformat', {}],
    ['receive', { rendition: 'btrfs' }],
    ['whole-disk', { kind: 'rollback' }],
  ] as const) {
    const { errands, failWriting, order, retry } = await deployedMachine()
    await failWriting(layout, more)
    await retry()
    const wipe = await order('all')
    await errands.stepStarted(wipe, 'plant-canaries')
    await errands.failed(wipe, 'erase', 'the drive refused', { disks: [] })
    await assert.rejects(retry(), /rack-1.* disk was wiped since .*: deploy it with a layout that makes its partitions/)
  }
})

test('a retry goes by what was ordered last: of another deployment between, and of one whose disk was wiped', async () => {
  const { deployments, deploy, failWriting, wipe, retry } = await deployedMachine()
  await failWriting()
  const other = await deploy('whole-disk', { image: 'other', version: 'b'.repeat(64) })
  await deployments.cancel(other)
  const { request } = await retry()
  assert.deepEqual([request.image, request.retry], ['other', { of: other, goesOn: false }], 'the root is not its own')
  const written = await deploy('whole-disk', { image: 'third' })
  await deployments.running(written)
  await deployments.written(written, { bytesFetched: 1, bytesWritten: 1, bytesReused: 0, sshHostKeys: [] })
  await assert.rejects(retry(), /its disk was written: there is nothing to retry/)
  await wipe('all')
  await assert.rejects(retry(), /was wiped: there is nothing to retry.*'bootwright deploy rack-1/)
})

test('a retry of a machine that was never deployed is refused', async () => {
  const { machines, state } = await deployedMachine()
  const other = await machines.set('rack-2', { macs: [parseMac('52:54:00:00:00:02')] })
  await assert.rejects(chooseRetry(state.db, other), /never deployed/)
})
