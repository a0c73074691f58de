import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import { appendFile, prepareSeries } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import { failedBootsLimit } from '../../src/core/ramroot.ts'

const image = 'debian-broken'
/** The kernel panics when its first program ends. */
const brokenInit = { path: '/usr/sbin/init', text: '#!/bin/sh\necho this version is broken\nexit 1\n', mode: 0o755 }

export const rackCase: RackCase = {
  name: 'ramroot-falls-back',
  describe:
    'the current version panics in its first program: after three boots the machine by itself runs the version before',
  set: 'long',
  longestMinutes: 40,
  prepare,
  run,
}

async function prepare(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const { first, second } = await prepareSeries(supplies, image, (tar) => appendFile(tar, brokenInit))
  for (const version of [first, second]) await prepareRamRoot(supplies, `${image}@${version}`, 'squashfs', log)
}

const bootTimeoutMs = 8 * 60_000

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'broken-1', firmware: 'bios', memoryMiB: 768, disks: [] })
  assert.equal((await orderRamroot(site, machine, { rendition: 'squashfs', image })).refused, undefined)
  await machine.powerOn()
  for (let boot = 1; boot <= failedBootsLimit; boot++) {
    await machine.console.expect(/Attempted to kill init/, { timeoutMs: bootTimeoutMs, what: `panic ${boot}` })
    site.log(`panic ${boot} of ${failedBootsLimit}; nobody touches the machine`)
  }
  const fallenBack = await site.timeline.waitFor(({ data }) => data?.isFallBack === true, {
    timeoutMs: bootTimeoutMs,
    what: 'the boot of the version before',
  })
  assert.match(fallenBack.message, /did not come up 3 times in a row: the version before runs until the tag is moved$/)
  await site.logIn(machine, bootTimeoutMs)
  await awaitRamrootUp(site, fallenBack.at + 1)
  const [last, ...before] = await ramrootBoots(site, machine)
  assert.equal(last?.state, 'up')
  assert.deepEqual(
    before.map(({ state, version }) => [state, version !== last.version]),
    Array.from({ length: failedBootsLimit }, () => ['silent', true]),
  )
  await machine.powerOff()
  return { secondsToAgent: 0, bytesFetched: last.bytesFetched, bytesWritten: 0, bytesReused: 0, steps: [] }
}
