import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'deploy-4kn',
  describe: 'a disk with sectors of 4096 bytes is deployed and booted under UEFI',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, '4kn.raw')
  await makeRawDisk(path, 4 * 1024 ** 3)
  const disks = [{ path, format: 'raw' as const, serial: '4KN', sectorBytes: 4096 as const }]
  const machine = await site.addMachine({ name: '4kn-1', firmware: 'uefi', disks })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, '4kn-1')
  assert.equal(await shell.run('cat /sys/block/vda/queue/logical_block_size'), '4096')
  assert.equal(await shell.run('test -d /sys/firmware/efi && echo uefi'), 'uefi')
  return caseFigures(deployment, secondsToAgent)
}
