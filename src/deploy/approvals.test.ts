import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import type { NewcomerRules } from '../core/newcomer.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { AgentSessions } from './agent-sessions.ts'
import { Approvals } from './approvals.ts'
import { Machines } from './machines.ts'
import { StateChanges } from './state-changes.ts'

const mac = parseMac('52:54:00:00:00:01')
const discover: NewcomerRules = { unknown: 'discover', nameFromDns: false }

function inventory(serial?: string, of = mac): Inventory {
  return {
    ...{ firmware: 'bios', architecture: 'x64', cpu: { model: 'x', count: 1 }, memoryBytes: 1, disks: [], drivers: [] },
    smbios: serial === undefined ? {} : { serial },
    interfaces: [{ name: 'eth0', mac: of, linkUp: true, bootedFrom: true }],
  }
}

async function site(t: TestContext) {
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db)
  const messages: string[] = []
  state.onEvent(({ message }) => void messages.push(message))
  const machines = new Machines(state)
  const approvals = new Approvals(state)
  /** A stranger boots, with a boot token or without. */
  const comes = async (found: Inventory, rules = discover, hasToken = true) => {
    const card = parseMac(found.interfaces[0]!.mac)
    const { id } = (await machines.noticed(card, 'it sent a DHCP DISCOVER'))!
    const machine = await machines.recordInventory(id, found, hasToken)
    const token = hasToken ? { tokenNonce: `nonce-${card}` } : {}
    await new AgentSessions(state).open({ machine, publicKey: 'key', agentNonce: 'nonce', ...token })
    return hasToken ? approvals.arrived(id, found, rules) : undefined
  }
  return { machines, approvals, messages, comes }
}

test('arrived() approves who is expected by serial number, with the name, group, labels and address of the list', async (t) => {
  const { machines, approvals, comes } = await site(t)
  const said = { name: 'web-1', group: 'web', labels: { rack: '3' }, address: '10.0.0.9' }
  await approvals.expect([{ serial: 's4evnx', ...said }])
  assert.equal(await comes(inventory('OTHER', parseMac('52:54:00:00:00:02'))), undefined)
  const approved = await comes(inventory(' S4EVNX '))
  const { name, group, labels, address } = approved!
  assert.deepEqual({ name, group, labels, address }, said)
  assert.equal((await machines.get('web-1')).approved, true)
  assert.deepEqual(await approvals.expected(), [])
  assert.equal((await machines.get('m-525400000002')).approved, false)
})

test('arrived() needs all that the list says of a machine, and leaves a person to choose between two entries', async (t) => {
  const { approvals, comes, messages } = await site(t)
  await approvals.expect([{ serial: 'S1', mac: parseMac('52:54:00:00:00:0f') }])
  assert.equal(await comes(inventory('S1', parseMac('52:54:00:00:00:02'))), undefined)
  await approvals.expect([
    { name: 'a', serial: 'S2' },
    { name: 'b', mac },
  ])
  assert.equal(await comes(inventory('S2')), undefined)
  assert.match(messages.at(-1)!, /not approved: it is both .*a \(serial S2\)/)
})

test('arrived() tells where the name of the list is taken, and approves nobody', async (t) => {
  const { machines, approvals, comes, messages } = await site(t)
  await approvals.expect([{ name: 'web-1', serial: 'S1' }])
  await machines.set('web-1', { macs: [parseMac('52:54:00:00:00:0f')] })
  assert.equal(await comes(inventory('S1')), undefined)
  assert.match(messages.at(-1)!, /the name web-1 already belongs/)
  assert.equal((await approvals.expected()).length, 1)
})

test('arrived() names and groups newcomers by the site’s rules, and approves all only where that is the policy', async (t) => {
  const { machines, comes } = await site(t)
  const rules = { ...discover, name: 'rack1-{number:2}', group: 'lab', labels: { rack: '1' } }
  assert.equal(await comes(inventory(), rules), undefined)
  const first = await machines.get('rack1-01')
  assert.deepEqual([first.group, first.labels, first.approved], ['lab', { rack: '1' }, false])
  const second = await comes(inventory(undefined, parseMac('52:54:00:00:00:02')), { ...rules, unknown: 'approve' })
  assert.deepEqual([second?.name, second?.approved], ['rack1-02', true])
})

test('expect() approves at once who waits in the agent, but not by the word of an agent without a token', async (t) => {
  const { approvals, comes } = await site(t)
  await comes(inventory('S1'))
  await comes(inventory('S2', parseMac('52:54:00:00:00:02')), discover, false)
  const approved = await approvals.expect([
    { name: 'one', serial: 'S1' },
    { name: 'two', serial: 'S2' },
  ])
  assert.deepEqual(
    approved.map(({ name }) => name),
    ['one'],
  )
})

test('expect() refuses who cannot be recognized, all of the list or none', async (t) => {
  const { approvals } = await site(t)
  const good = { serial: 'S1' }
  for (const [bad, reason] of [
    [{ name: 'x' }, /needs a serial number/],
    [{ serial: 'To Be Filled By O.E.M.' }, /what boards have/],
    [{ uuid: '03000200-0400-0500-0006-000700080009' }, /what boards have/],
    [{ serial: 's1' }, /with the same serial/],
  ] as const) {
    await assert.rejects(approvals.expect([good, bad]), { name: 'Conflict', message: reason })
  }
  assert.deepEqual(await approvals.expected(), [])
})

test('byHand() approves once, with a name and a group', async (t) => {
  const { approvals, comes } = await site(t)
  await comes(inventory())
  const approved = await approvals.byHand('m-525400000001', { newName: 'db-1', group: 'db' })
  assert.deepEqual([approved.name, approved.group, approved.approved], ['db-1', 'db', true])
  await assert.rejects(approvals.byHand('db-1', {}), /approved already/)
  await assert.rejects(approvals.byHand('nobody', {}), { name: 'NotFound' })
})
