import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Machines } from './machines.ts'
import { StateChanges } from './state-changes.ts'
import { recordSurroundings } from './surroundings.ts'

const mac = parseMac('52:54:00:00:00:01')
const now = 1_800_000_000_000
const heard = { protocol: 'lldp', port: '1/7', system: 'sw\u001b[2J-3', vlan: 20 } as const

function inventory(linkUp: boolean): Inventory {
  return {
    firmware: 'uefi',
    architecture: 'x64',
    smbios: {},
    cpu: { model: 'x', count: 1 },
    memoryBytes: 1,
    disks: [],
    interfaces: [{ name: 'eth0', mac, linkUp, bootedFrom: true }],
    drivers: [],
  }
}

async function open(t: TestContext) {
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => now)
  const messages: string[] = []
  state.onEvent(({ message }) => void messages.push(message))
  const machines = new Machines(state)
  const { id } = await machines.set('rack-1', { macs: [mac] })
  const read = async () => (await machines.inventory(id)) as Inventory
  return { state, machines, id, messages, read }
}

test('recordSurroundings() puts neighbours and BMC into the inventory, made safe to print, and tells them', async (t) => {
  const { state, machines, id, messages, read } = await open(t)
  await machines.recordInventory(id, inventory(true), true)
  await recordSurroundings(state, id, { neighbours: [{ mac, neighbour: heard }] })
  await recordSurroundings(state, id, { neighbours: [], bmc: { address: '10.0.1.20' } })
  const { interfaces, bmc } = await read()
  assert.deepEqual(interfaces[0]?.neighbour, { ...heard, system: 'sw [2J-3' })
  assert.equal(interfaces[0]?.neighbourHeardAt, now)
  assert.deepEqual(bmc, { address: '10.0.1.20' })
  assert.deepEqual(messages.slice(-2), [
    'eth0 leads to port 1/7 of sw [2J-3, VLAN 20',
    'its BMC has the address 10.0.1.20',
  ])
})

test('recordInventory() keeps what was heard at an earlier boot, but not on a cable that is out', async (t) => {
  const { state, machines, id, read } = await open(t)
  await machines.recordInventory(id, inventory(true), true)
  await recordSurroundings(state, id, { neighbours: [{ mac, neighbour: heard }], bmc: { address: '10.0.1.20' } })
  await machines.recordInventory(id, inventory(true), true)
  assert.equal((await read()).interfaces[0]?.neighbour?.port, '1/7')
  assert.equal((await read()).bmc?.address, '10.0.1.20')
  await machines.recordInventory(id, inventory(false), true)
  assert.equal((await read()).interfaces[0]?.neighbour, undefined)
})

test('recordSurroundings() refuses a machine without an inventory', async (t) => {
  const { state, id } = await open(t)
  await assert.rejects(recordSurroundings(state, id, { neighbours: [] }), { name: 'NotFound' })
})
