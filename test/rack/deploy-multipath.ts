import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

const wwn = '5000c50015ea71ac'

export const rackCase: RackCase = {
  name: 'deploy-multipath',
  describe: 'a disk that appears twice under one world-wide name is one disk to the rule, is deployed and booted',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'shared.raw')
  await makeRawDisk(path, 4 * 1024 ** 3)
  const disk = { path, format: 'raw', serial: 'SHARED', bus: 'scsi', paths: { count: 2, wwn } } as const
  const machine = await site.addMachine({ name: 'multipath-1', firmware: 'bios', disks: [disk] })
  const id = await site.deploy(machine)
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const chose = site.timeline.events.find(({ message }) => /^select-disk.*chose/.test(message))
  assert.match(chose?.message ?? '', /one disk by 2 paths: \/dev\/sda \/dev\/sdb/, 'the path that is used is told')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'multipath-1')
  assert.equal(await shell.run('cat /sys/block/sd[ab]/device/wwid | sort -u'), `naa.${wwn}`)
  return caseFigures(deployment, secondsToAgent)
}
