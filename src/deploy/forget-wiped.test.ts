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
  const state = new StateChanges(await openStateDatabase(':memory:'), () => 1_000_000)
  const [machines, deployments, errands] = [new Machines(state), new Deployments(state), new Errands(state)]
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await machines.recordInventory(machine.id, inventory, true)
  const { id } = await deployments.create(machine, {
    ...{
      image: 'debian',
      version: 'a'.repeat(64),
      diskRule: { serial: 'sda' },
      layout: findReadyLayout('whole-disk')!,
    },
    ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
  })
  await deployments.running(id)
  await deployments.written(id, { bytesFetched: 1, bytesWritten: 1, bytesReused: 0, sshHostKeys: [] })
  const order = async (disks: (ErrandWork & { kind: 'wipe' })['disks']) => {
    const wipe = { kind: 'wipe', disks, method: 'auto' } as const
    const errand = await errands.create(await machines.get('rack-1'), wipe, { once: true })
    await errands.running(errand.id)
    return errand.id
  }
  const onDisk = async () => (await deployments.onDisk(machine.id))?.id
  return { deployments, errands, id, order, onDisk }
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
