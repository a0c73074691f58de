import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot, ramrootBoots } from '../../src/cli/rack/ramroot-machine.ts'
import { prepareSeries, secondVersion } from '../../src/cli/rack/second-version.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import type { RackMachine } from '../../src/rack/machine.ts'

export const rackCase: RackCase = {
  name: 'ramroot-rollback',
  describe:
    'a machine runs what the tag says at each boot: the newer version, and the older one once the tag is moved back',
  set: 'long',
  prepare,
  run,
}

const image = 'debian-series'

async function prepare(supplies: RackSupplies, log: (line: string) => void): Promise<void> {
  const { first, second } = await prepareSeries(supplies, image)
  for (const version of [first, second]) await prepareRamRoot(supplies, `${image}@${version}`, 'squashfs', log)
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'tag-1', firmware: 'bios', memoryMiB: 768, disks: [] })
  assert.equal((await orderRamroot(site, machine, { rendition: 'squashfs', image })).refused, undefined)
  assert.equal(await bootAndRead(site, machine, () => machine.powerOn()), secondVersion.text)
  await site.client.request('POST', `/api/v1/images/${image}/rollback`, {})
  assert.equal(await bootAndRead(site, machine, () => machine.powerCycle()), '', 'the version before has no such file')
  const [older, newer] = await ramrootBoots(site, machine)
  assert.notEqual(older?.version, newer?.version)
  assert.deepEqual([older?.state, newer?.state], ['up', 'up'])
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function bootAndRead(site: RackSite, machine: RackMachine, start: () => Promise<void>): Promise<string> {
  const startedAt = Date.now()
  machine.console.skipToNow()
  await start()
  const shell = await site.logIn(machine)
  await awaitRamrootUp(site, startedAt)
  return shell.run(`cat ${secondVersion.file} 2>/dev/null || true`)
}
