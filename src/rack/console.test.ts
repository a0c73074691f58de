import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { Console, ConsoleTimeout } from './console.ts'

async function openConsole(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-console-'))
  t.after(() => rm(directory, { recursive: true }))
  const machine = new Console('m1', join(directory, 'm1.log'))
  const output = new PassThrough()
  const input = new PassThrough()
  machine.attach(output, input)
  return { machine, output, input }
}

test('Console.expect() finds a text that comes in pieces', async (t) => {
  const { machine, output } = await openConsole(t)
  const found = machine.expect(/(\w+) login:/, { timeoutMs: 1000 })
  output.write('debian lo')
  output.write('gin: ')
  assert.equal((await found)[1], 'debian')
  await machine.close()
})

test('Console.expect() finds what was said before, and each text once', async (t) => {
  const { machine, output } = await openConsole(t)
  output.write('login: \nlogin: ')
  await machine.expect(/login:/, { timeoutMs: 1000 })
  await machine.expect(/login:/, { timeoutMs: 1000 })
  await assert.rejects(machine.expect(/login:/, { timeoutMs: 20 }), ConsoleTimeout)
  await machine.close()
})

test('Console.expect() names what it waited for and shows the last lines', async (t) => {
  const { machine, output } = await openConsole(t)
  output.write('No bootable device.\n')
  await assert.rejects(machine.expect(/login:/, { timeoutMs: 20, what: 'a login prompt' }), (error: Error) => {
    assert.match(error.message, /^The console of m1 did not show a login prompt: 0\.02 s passed/)
    assert.match(error.message, /No bootable device\.$/)
    return true
  })
  await machine.close()
})

test('Console.expect() ends at a text that makes waiting pointless', async (t) => {
  const { machine, output } = await openConsole(t)
  const waiting = machine.expect(/login:/, { timeoutMs: 60_000, failOn: /Kernel panic.*/ })
  output.write('Kernel panic - not syncing: no init\n')
  await assert.rejects(waiting, /it showed "Kernel panic - not syncing: no init"/)
  await machine.close()
})

test('Console.detach() tells whoever waits that the machine is off', async (t) => {
  const { machine } = await openConsole(t)
  const waiting = machine.expect(/login:/, { timeoutMs: 60_000 })
  machine.detach('power off')
  await assert.rejects(waiting, /power off/)
  await machine.close()
})

test('Console writes each line with the seconds since the rack began', async (t) => {
  const { machine, output } = await openConsole(t)
  output.write('SeaBIOS (version 1.16)\r\nBooting')
  await machine.expect(/Booting/, { timeoutMs: 1000 })
  await machine.close()
  const log = await readFile(machine.logPath, 'utf8')
  assert.match(log, /^ +\d+\.\d{3} --- power on$/m)
  assert.match(log, /^ +\d+\.\d{3} SeaBIOS \(version 1\.16\)\nBooting$/m)
})

test('Console.type() reaches the machine', async (t) => {
  const { machine, input } = await openConsole(t)
  machine.type('operator\r')
  assert.equal(String(input.read()), 'operator\r')
  await machine.close()
})
