import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { RescueResult } from '../core/rescue.ts'
import { Deployments } from '../deploy/deployments.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { Conflict } from '../deploy/refusals.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { findSsh } from './find-ssh.ts'

const result: RescueResult = {
  address: '10.77.0.5',
  hostKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSxKtPjWXEgLXnZQNqT2KWmrPmCkTTYLtbwQxMjnhRx',
  fingerprint: 'SHA256:Yv2yl4nFh8X2pHBlHt8YuQYPUTnEjg5r4kQ0pyvRMDU',
  disks: { arrays: [], volumeGroups: [], multipath: [], locked: [], mountable: [] },
}

async function site() {
  const clock = { now: 1_000_000 }
  const state = new StateChanges(await openStateDatabase(':memory:'), () => clock.now)
  const parts = { state, deployments: new Deployments(state), errands: new Errands(state) }
  const machine = await new Machines(state).set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const rescue = async (told: unknown) => {
    const { id } = await parts.errands.create(
      machine,
      { kind: 'rescue', sshKeys: ['ssh-ed25519 AAAA'] },
      { once: true },
    )
    await parts.errands.running(id)
    clock.now += 1000
    await parts.errands.done(id, 'it is up', told)
  }
  const script = () =>
    state.commit((change) => change.tell({ machineId: machine.id, kind: 'script', message: 'local' }))
  return { clock, parts, machine, rescue, script }
}

test('findSsh() goes to the rescue system that is up', async () => {
  const { parts, machine, rescue } = await site()
  await rescue(result)
  assert.deepEqual(await findSsh(parts, machine), {
    ...{ system: 'rescue', address: '10.77.0.5', hostKeys: [result.hostKey] },
  })
})

test('findSsh() forgets the rescue system when the machine has booted since', async () => {
  const { clock, parts, machine, rescue, script } = await site()
  await rescue(result)
  clock.now += 1000
  await script()
  await assert.rejects(findSsh(parts, machine), Conflict)
})

test('findSsh() takes no host key that is more than one', async () => {
  const { parts, machine, rescue } = await site()
  await rescue({ ...result, hostKey: `${result.hostKey}\n* ${result.hostKey}` })
  await assert.rejects(findSsh(parts, machine), /No SSH host key of rack-1 is known/)
})
