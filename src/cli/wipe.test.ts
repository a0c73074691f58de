import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseMac } from '../bytes/mac.ts'
import type { WipeResult } from '../core/wipe-record.ts'
import { service } from './management.fixture.ts'

const root = resolve(import.meta.dirname, '../..')

async function bootwright(
  directory: string,
  ...args: string[]
): Promise<{ stdout: string; stderr: string; code: number }> {
  const command = [resolve(root, 'src/cli/main.ts'), ...args, '--data', directory]
  try {
    return { ...(await promisify(execFile)(resolve(root, 'bin/bootwright-node'), command)), code: 0 }
  } catch (error) {
    return error as { stdout: string; stderr: string; code: number }
  }
}

test('bootwright wipe and release want to be confirmed, order what they say, and their result is shown with the machine', async (t) => {
  const { directory, machines, errands } = await service(t)
  const machine = await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  const unconfirmed = await bootwright(directory, 'release', 'rack-1')
  assert.equal(unconfirmed.code, 1)
  assert.match(unconfirmed.stderr, /Say --yes where you mean it: releasing, which wipes all disks of rack-1/)
  assert.equal((await bootwright(directory, 'wipe', 'rack-1', '--yes')).code, 2, 'which disks?')
  assert.deepEqual(await errands.list(), [])
  await bootwright(directory, 'wipe', 'rack-1', '--disk', 'serial=A', '--method', 'sanitize', '--yes')
  const [wipe] = await errands.list()
  assert.deepEqual(wipe?.work, { kind: 'wipe', disks: { serial: 'A' }, method: 'sanitize' })
  await errands.cancel(wipe!.id)
  await bootwright(directory, 'release', 'rack-1', '--yes')
  const released = (await errands.list(machine.id)).find(({ state }) => state === 'queued')
  assert.deepEqual(released?.work, { kind: 'wipe', disks: 'all', method: 'auto' })
  await errands.running(released!.id)
  const result: WipeResult = {
    disks: [
      {
        ...{ device: '/dev/sda', bus: 'sata', model: 'WDC\u001b[2J', serial: 'A', sizeBytes: 1e9, erased: false },
        ...{ attempts: [], leftOut: ['ATA secure erase: frozen'], notReached: [], failure: 'byte 0 holds a canary' },
      },
    ],
  }
  await errands.failed(released!.id, 'verify', 'not erased', result)
  const { stdout } = await bootwright(directory, 'machine', 'show', 'rack-1')
  assert.match(
    stdout,
    /last wipe: failed .*\n {2}\/dev\/sda \[WDC \[2J, serial A\]: NOT erased: byte 0 holds a canary\n {4}not tried: ATA secure erase: frozen/,
  )
})
