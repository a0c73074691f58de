import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { runProgram } from '../programs/run-program.ts'
import { AppletsMissing, busyboxApplets } from './busybox-applets.ts'

test('busyboxApplets() reads the names that busybox --list prints', async (t) => {
  const busybox = '/bin/busybox'
  if (!(await stat(busybox).catch(() => undefined))) {
    if (process.env.REQUIRE_INTEROP === '1') assert.fail('busybox is not installed')
    return t.skip('busybox is not installed')
  }
  assert.deepEqual(await busyboxApplets(busybox), (await runProgram(busybox, ['--list'])).trim().split('\n'))
})

test('busyboxApplets() throws AppletsMissing for another program', async () => {
  await assert.rejects(busyboxApplets('/bin/true'), AppletsMissing)
})
