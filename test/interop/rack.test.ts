import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { checkRack } from '../../src/rack/check-rack.ts'

const deadlineMs = 120_000

async function startRack(t: TestContext) {
  const check = await checkRack()
  if (check.kind === 'unavailable') {
    const reason = check.missing.join('; ')
    if (process.env.REQUIRE_INTEROP === '1') assert.fail(reason)
    t.skip(reason)
    return undefined
  }
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-rack-test-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const outside = fork(join(import.meta.dirname, 'rack/outside.ts'), [directory])
  t.after(() => outside.kill('SIGKILL'))
  const ended = once(outside, 'exit')
  const said = await Promise.race([once(outside, 'message'), ended])
  const consoles = await Promise.all(
    ['bios', 'uefi'].map((name) => readFile(join(directory, `${name}.console.log`), 'utf8').catch(() => '')),
  )
  assert.deepEqual(said[0], { machines: 2, pid: 1 }, `the machines' consoles:\n${consoles.join('\n')}`)
  return { directory, outside, ended }
}

/** Processes of the whole computer that have this directory among their arguments, the test itself left out. */
async function processesOf(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return commands.filter((command) => command.includes(directory))
}

async function waitForNone(directory: string): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while ((await processesOf(directory)).length > 0) {
    assert.ok(performance.now() < deadline, `still there: ${(await processesOf(directory)).join('\n')}`)
    await wait(50)
  }
}

test('Rack ends in order: machines off, captures whole', { timeout: deadlineMs }, async (t) => {
  const rack = await startRack(t)
  if (!rack) return
  rack.outside.send('stop')
  assert.deepEqual(await rack.ended, [0, null])
  await waitForNone(rack.directory)
  await using capture = await open(join(rack.directory, 'bios.1.pcap'))
  const { buffer } = await capture.read(Buffer.alloc(4))
  assert.equal(buffer.readUInt32LE(), 0xa1b2c3d4, 'the magic number of a capture')
  assert.ok((await capture.stat()).size > 300, "the capture has iPXE's DHCPDISCOVER")
})

test('Rack is gone with all its processes when the process that made it is killed', {
  timeout: deadlineMs,
}, async (t) => {
  const rack = await startRack(t)
  if (!rack) return
  assert.ok((await processesOf(rack.directory)).length >= 3, 'two QEMUs and the process inside are there')
  rack.outside.kill('SIGKILL')
  await rack.ended
  await waitForNone(rack.directory)
})
