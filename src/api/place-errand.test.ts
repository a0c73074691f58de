import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import { type ErrandWork, longestScriptBytes } from '../core/errand.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { type OrderParts, placeErrand } from './place-order.ts'

async function place(work: ErrandWork, rescueKeys: readonly string[] = []) {
  const state = new StateChanges(await openStateDatabase(':memory:'))
  const machine = await new Machines(state).set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const isServed = async (path: string) => path.startsWith('there/')
  return placeErrand({ errands: new Errands(state), rescueKeys, isServed } as unknown as OrderParts, machine, { work })
}

const kernel = (kernel: string, initrds: string[]): ErrandWork => ({
  ...{ kind: 'kernel', boot: { kernel, initrds }, timeoutSeconds: 60 },
})

test('placeErrand() lets in who is named in the order, and who may everywhere, each once', async () => {
  const { work } = await place({ kind: 'rescue', sshKeys: ['ssh-ed25519 A', 'ssh-ed25519 B'] }, ['ssh-ed25519 B'])
  assert.deepEqual(work, { kind: 'rescue', sshKeys: ['ssh-ed25519 B', 'ssh-ed25519 A'] })
})

test('placeErrand() refuses a rescue that nobody could log in to', async () => {
  await assert.rejects(place({ kind: 'rescue', sshKeys: [] }), /Nobody could log in: name an SSH key/)
})

test('placeErrand() refuses a kernel or an initrd that the boot plane does not have', async () => {
  await assert.rejects(place(kernel('vmlinuz', [])), /no file vmlinuz: put it into the directory/)
  await assert.rejects(place(kernel('there/vmlinuz', ['there/a', 'b'])), /no file b/)
  assert.equal((await place(kernel('there/vmlinuz', ['there/a']))).state, 'queued')
})

test('placeErrand() refuses a script that is too long, and one that is neither given nor named', async () => {
  const run: ErrandWork = { kind: 'run', name: 'x', arguments: [], timeoutSeconds: 60, afterwards: 'stay' }
  const script = Buffer.alloc(longestScriptBytes + 1).toString('base64')
  await assert.rejects(place({ ...run, script }), /longer than 1024 KiB/)
  await assert.rejects(place(run), /either its script or its URL/)
})
