import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import { readIdentity } from '../../src/cli/rack/identity.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'

export const rackCase: RackCase = {
  name: 'deploy-nvme',
  describe: 'an NVMe disk, chosen by its bus beside a larger one, is deployed and booted',
  set: 'long',
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const [nvme, other] = ['nvme', 'other'].map((name) => join(site.rack.directory, `${name}.raw`)) as [string, string]
  await makeRawDisk(nvme, 4 * 1024 ** 3)
  await makeRawDisk(other, 5 * 1024 ** 3)
  const machine = await site.addMachine({
    name: 'nvme-1',
    firmware: 'bios',
    disks: [
      { path: nvme, format: 'raw', serial: 'NVME-ROOT', bus: 'nvme' },
      { path: other, format: 'raw', serial: 'OTHER' },
    ],
  })
  const id = await site.deploy(machine, { disk: { bus: 'nvme' } })
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, 'nvme-1')
  assert.match(await shell.run('findmnt -no SOURCE /'), /^\/dev\/nvme0n1p3$/)
  return caseFigures(deployment, secondsToAgent)
}
