import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import { findReadyLayout } from '../core/ready-layouts.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Deployments } from './deployments.ts'
import { Machines } from './machines.ts'
import type { DeploymentRequest } from './new-deployment.ts'
import { StateChanges } from './state-changes.ts'

const [card1, card2, card3] = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'].map(parseMac)
const uuid = '7ac40000-0000-4000-8000-000000000001'

async function site() {
  const state = new StateChanges(await openStateDatabase(':memory:'), () => 1_000_000)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const names = async () => (await machines.list()).map(({ name }) => name)
  return { state, events, machines, deployments: new Deployments(state), names }
}

type Card = { mac: string; driver?: string }

/** Booted from the first of the cards. */
function inventory(cards: readonly Card[], smbiosUuid?: string): Inventory {
  const interfaces = cards.map((card, index) => ({
    ...{ name: `eth${index}`, linkUp: true, bootedFrom: index === 0 },
    ...card,
  }))
  const smbios = smbiosUuid === undefined ? {} : { uuid: smbiosUuid }
  const cpu = { model: 'QEMU', count: 1 }
  return { firmware: 'bios', architecture: 'x64', smbios, cpu, memoryBytes: 1, disks: [], interfaces, drivers: [] }
}

const order: DeploymentRequest = {
  ...{ image: 'debian', version: 'a'.repeat(64), diskRule: {}, layout: findReadyLayout('whole-disk')! },
  ...{ rendition: 'tree', filesystem: 'ext4', handOver: 'reboot', kernelArguments: [], proofSeconds: 60 },
}

test('recordInventory() knows all cards of a machine, so that it is one machine when it boots from another', async () => {
  const { machines, names } = await site()
  const machine = await machines.set('rack-1', { macs: [card1!] })
  await machines.recordInventory(machine.id, inventory([{ mac: card1! }, { mac: card2! }], uuid), true)
  assert.equal((await machines.noticed(card2!, 'it boots'))?.name, 'rack-1')
  assert.deepEqual(await names(), ['rack-1'])
})

test('recordInventory() finds that a machine seen first by its second card is the one that a person named', async () => {
  const { machines, names, events, deployments } = await site()
  const named = await machines.set('rack-1', { macs: [card1!] })
  await deployments.create(named, order)
  const seen = (await machines.noticed(card2!, 'it boots'))!
  const cards = [{ mac: card2! }, { mac: card1! }]
  const machine = await machines.recordInventory(seen.id, inventory(cards, uuid), true)
  assert.equal(machine.id, named.id)
  assert.deepEqual(machine.macs, [card1, card2])
  assert.equal(machine.intent.kind, 'deploy')
  assert.deepEqual(await names(), ['rack-1'])
  assert.ok(events.some(({ message }) => /m-525400000002 is rack-1: .* both in one computer/.test(message)))
})

test('recordInventory() believes nothing about identity that came without a boot token', async () => {
  const { machines, names } = await site()
  await machines.set('rack-1', { macs: [card1!] })
  const seen = (await machines.noticed(card2!, 'it boots'))!
  await machines.recordInventory(seen.id, inventory([{ mac: card2! }, { mac: card1! }], uuid), false)
  assert.deepEqual(await names(), ['m-525400000002', 'rack-1'])
})

test('recordInventory() does not take the address of a USB adapter or a BMC for the machine, unless it booted from it', async () => {
  const { machines } = await site()
  const machine = await machines.set('rack-1', { macs: [card1!] })
  const cards = [{ mac: card1!, driver: 'r8152' }, { mac: card2!, driver: 'cdc_ether' }, { mac: card3! }]
  assert.deepEqual((await machines.recordInventory(machine.id, inventory(cards), true)).macs, [card1, card3])
})

test('recordInventory() holds two machines with one UUID and no card in common, and no deployment begins', async () => {
  const { machines, deployments, events } = await site()
  const one = await machines.set('rack-1', { macs: [card1!] })
  const two = await machines.set('rack-2', { macs: [card2!] })
  await machines.recordInventory(one.id, inventory([{ mac: card1! }], uuid), true)
  const held = await machines.recordInventory(two.id, inventory([{ mac: card2! }], uuid), true)
  assert.deepEqual(held.conflicts, [{ kind: 'uuid', machine: 'rack-1' }])
  assert.deepEqual((await machines.get('rack-1')).conflicts, [{ kind: 'uuid', machine: 'rack-2' }])
  assert.equal(events.filter(({ kind }) => kind === 'conflict').length, 2)
  await assert.rejects(deployments.create(held, order), /rack-2 is held: .*machine set rack-2 --shared-uuid/)
})

test('Machines.set() with sharesUuid settles the conflict for both, and it does not come again', async () => {
  const { machines } = await site()
  const one = await machines.set('rack-1', { macs: [card1!] })
  const two = await machines.set('rack-2', { macs: [card2!] })
  await machines.recordInventory(one.id, inventory([{ mac: card1! }], uuid), true)
  await machines.recordInventory(two.id, inventory([{ mac: card2! }], uuid), true)
  await machines.set('rack-2', { sharesUuid: true })
  for (const [{ id }, mac] of [[one, card1] as const, [two, card2] as const]) {
    const machine = await machines.recordInventory(id, inventory([{ mac: mac! }], uuid), true)
    assert.equal(machine.conflicts, undefined)
  }
})

test('Machines.remove() settles a conflict: the machine got other network cards', async () => {
  const { machines, names } = await site()
  const old = await machines.set('rack-1', { macs: [card1!] })
  await machines.recordInventory(old.id, inventory([{ mac: card1! }], uuid), true)
  const seen = (await machines.noticed(card2!, 'it boots'))!
  assert.ok((await machines.recordInventory(seen.id, inventory([{ mac: card2! }], uuid), true)).conflicts)
  await machines.remove(seen.name)
  assert.equal((await machines.get('rack-1')).conflicts, undefined)
  assert.equal((await machines.set('rack-1', { macs: [card2!] })).conflicts, undefined)
  assert.deepEqual(await names(), ['rack-1'])
})

test('recordInventory() takes a UUID that boards are sold with for none', async () => {
  const { machines } = await site()
  const junk = '03000200-0400-0500-0006-000700080009'
  for (const [name, mac] of [['rack-1', card1!] as const, ['rack-2', card2!] as const]) {
    const { id } = await machines.set(name, { macs: [mac] })
    assert.equal((await machines.recordInventory(id, inventory([{ mac }], junk), true)).conflicts, undefined)
  }
})

test('recordInventory() holds two machines that a person named and that are one computer', async () => {
  const { machines } = await site()
  const one = await machines.set('rack-1', { macs: [card1!] })
  await machines.set('rack-2', { macs: [card2!] })
  const held = await machines.recordInventory(one.id, inventory([{ mac: card1! }, { mac: card2! }], uuid), true)
  assert.deepEqual(held.conflicts, [{ kind: 'cards', machine: 'rack-2' }])
  await machines.remove('rack-2')
  const alone = await machines.recordInventory(one.id, inventory([{ mac: card1! }, { mac: card2! }], uuid), true)
  assert.deepEqual([alone.macs, alone.conflicts], [[card1, card2], undefined])
})

test('Deployments.hold() freezes what was not begun, and leaves what is being written', async () => {
  const { machines, deployments } = await site()
  const queued = await deployments.create(await machines.set('rack-1', { macs: [card1!] }), order)
  const running = await deployments.create(await machines.set('rack-2', { macs: [card2!] }), order)
  await deployments.running(running.id)
  for (const { id } of [queued, running]) await deployments.hold(id, 'one UUID')
  assert.equal((await deployments.get(queued.id)).state, 'frozen')
  assert.equal((await deployments.get(running.id)).state, 'running')
})
