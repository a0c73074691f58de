import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'run-reboots',
  describe:
    'a script that resets its machine whenever it runs: after three boots the machine is not started into it again',
  set: 'long',
  longestMinutes: 30,
  run,
}

/** Four boots, on a machine that may have much else to do. */
const followTimeoutMs = 25 * 60_000

const resets = `#!/bin/sh
echo "about to reset"
sleep 2
echo b > /proc/sysrq-trigger
sleep 60
`

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'reset-1', firmware: 'bios', memoryMiB: 1024 })
  const file = join(site.rack.directory, 'resets')
  await writeFile(file, resets)
  const startedAt = Date.now()
  const order = bootwright(site, ['run', 'reset-1', file, '--follow'], followTimeoutMs)
  const queued = { timeoutMs: 60_000, what: 'the order' }
  await site.timeline.waitFor(({ kind, data }) => kind === 'errand' && data?.state === 'queued', queued)
  await machine.powerOn()
  const { status, output } = await order
  assert.equal(status, 1, output)
  assert.match(output, /run failed at run-script: it was booted 3 times and got no further than run-script, last seen /)
  const booted = site.timeline.events.filter(({ kind, data }) => kind === 'errand' && data?.state === 'booting')
  assert.equal(booted.length, 3)
  const local = { timeoutMs: 4 * 60_000, what: 'its disk' }
  await machine.console.expect(/its order run failed at run-script/, { ...local, what: 'why, on the console' })
  await site.timeline.waitFor(({ kind, data }) => kind === 'script' && data?.script === 'local', local)
  const secondsToAgent = (site.timeline.events.find(({ kind }) => kind === 'agent')!.at - startedAt) / 1000
  return { secondsToAgent, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}
