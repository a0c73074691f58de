import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { ImageDetails } from '../../api/image-schemas.ts'
import { runProgram } from '../../programs/run-program.ts'
import { type CaseFigures, caseFigures } from './case.ts'
import { readIdentity } from './identity.ts'
import type { RackSite } from './site.ts'

const deployTimeoutMs = 10 * 60_000
/** What the qcow2 is made of. */
export const qcow2Recipe = 'debian-cloud'
const gib = 1024 ** 3
const goldenBytes = 2 * gib
const diskBytes = 4 * gib

type Firmware = 'bios' | 'uefi'

/**
 * A qcow2 of a Debian with cloud-init, deployed to a larger disk of a machine with the firmware that it was made for: it starts by
 * its own loader, fills the disk, and is told who it is by its seed.
 */
export async function deployQcow2(site: RackSite, firmware: Firmware): Promise<CaseFigures> {
  const image = await ensureQcow2(site, firmware)
  const path = join(site.rack.directory, 'target.qcow2')
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(diskBytes)])
  const disks = [{ path, format: 'qcow2' as const, serial: 'TARGET' }]
  const machine = await site.addMachine({ name: `qcow2-${firmware}`, firmware, disks })
  const id = await site.deploy(machine, { image }) // nobody says that it is a disk
  const secondsToAgent = await site.bootAgent(machine)
  const deployment = await site.awaitState(id, 'proved', deployTimeoutMs)
  assert.equal(deployment.rendition, 'disk')
  const shell = await site.logIn(machine)
  assert.equal((await readIdentity(shell)).hostName, machine.spec.name)
  assert.match(await shell.run('cloud-init query platform 2>/dev/null || cat /run/cloud-init/result.json'), /nocloud/i)
  const megabytes = Number(await shell.run('df -BM --output=size / | tail -1 | tr -dc 0-9'))
  assert.ok(megabytes > (goldenBytes / 2 ** 20) * 1.2, `the root has ${megabytes} MiB, it was not grown`)
  return caseFigures(deployment, secondsToAgent)
}

/**
 * The disk of a machine that was written and never booted, as a qcow2; kept as an image until its recipe changes. Gives the
 * image's name.
 */
async function ensureQcow2(site: RackSite, firmware: Firmware): Promise<string> {
  const image = `debian-qcow2-${firmware}`
  const { tags } = await site.client.request<ImageDetails>('GET', `/api/v1/images/${qcow2Recipe}`)
  const comment = `disk of ${qcow2Recipe}@${tags.current}`
  const known = await site.client
    .request<ImageDetails>('GET', `/api/v1/images/${image}`)
    .catch((): Pick<ImageDetails, 'versions'> => ({ versions: [] }))
  if (known.versions.some((version) => version.comment === comment && version.tags.includes('current'))) return image
  const path = join(site.rack.directory, 'golden.qcow2')
  await runProgram('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(goldenBytes)])
  const disks = [{ path, format: 'qcow2' as const, serial: 'GOLDEN' }]
  const machine = await site.addMachine({ name: `golden-${firmware}`, firmware, disks })
  const id = await site.deploy(machine, { image: qcow2Recipe, rendition: 'tree' })
  await machine.powerOn()
  await site.awaitState(id, 'written', deployTimeoutMs)
  await machine.powerOff()
  const body = { source: { kind: 'disk', path, format: 'qcow2' }, comment }
  for await (const line of site.client.lines<{ kind: string }>('POST', `/api/v1/images/${image}/versions`, body)) {
    if (line.kind === 'problem') throw new Error(`Cannot import the qcow2: ${JSON.stringify(line)}`)
  }
  return image
}
