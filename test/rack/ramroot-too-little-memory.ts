import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { orderRamroot, prepareRamRoot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'ramroot-too-little-memory',
  describe:
    'a machine whose memory is too small refuses in words, on its console and to the server, before it fetches the root',
  set: 'long',
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'squashfs', log),
  run,
}

/** More than the machine has, of which the server knows nothing yet. */
const overlayMegabytes = 1024

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'small-1', firmware: 'bios', memoryMiB: 512, disks: [] })
  const unknown = await orderRamroot(site, machine, { rendition: 'squashfs', overlayMegabytes })
  assert.equal(unknown.refused, undefined, 'the server cannot know yet')
  const startedAt = Date.now()
  await machine.powerOn()
  const words = /FAILED: debian-minimal needs (\d+) MiB of memory and this machine has (\d+) MiB; nothing was fetched/
  await machine.console.expect(words, { timeoutMs: 4 * 60_000, what: 'the refusal' })
  const failed = await site.timeline.waitFor(
    ({ kind, data, at }) => kind === 'ramroot' && data?.state === 'failed' && at >= startedAt,
    {
      timeoutMs: 30_000,
      what: 'the refusal at the server',
    },
  )
  assert.match(failed.message, /did not come up: debian-minimal needs \d+ MiB of memory/)
  const [boot] = await ramrootBoots(site, machine)
  assert.equal(boot?.bytesFetched, 0)
  await machine.powerOff()
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}
