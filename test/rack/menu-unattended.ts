import assert from 'node:assert/strict'
import { copyFile, link, mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CaseFigures, caseFigures, type RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import type { Deployment } from '../../src/core/deployment.ts'
import { rackNetwork } from '../../src/rack/switch.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'
import { readRamdisk } from '../../src/ramdisk/published-ramdisk.ts'

const files = join(defaultCacheDirectory(), 'rack', 'menu-unattended')
const server = 'http://10.77.0.1:4280'
const bootTimeoutMs = 4 * 60_000

export const rackCase: RackCase = {
  name: 'menu-unattended',
  describe:
    "a hand-made PXELINUX boots our ramdisk with an image in the kernel's arguments: written once, and not again",
  set: 'long',
  prepare: makeFiles,
  siteFile: `files: ${files}
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
settings: { handMade: lpxelinux.0, consoleMenu: { who: anyone } }
`,
  run,
}

/** What the operator of another network would lay there: the ramdisk's files and one entry, with nothing of this boot in it. */
async function makeFiles({ ramdiskDirectory, image }: RackSupplies): Promise<void> {
  await rm(files, { recursive: true, force: true })
  for (const name of ['pxelinux.cfg', 'linux']) await mkdir(join(files, name), { recursive: true })
  await copyFile('/usr/lib/PXELINUX/lpxelinux.0', join(files, 'lpxelinux.0'))
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(files, 'ldlinux.c32'))
  const ramdisk = await readRamdisk(ramdiskDirectory)
  assert.ok(ramdisk)
  const names = [ramdisk.kernel, ...ramdisk.initrds]
  for (const name of names) await link(join(ramdiskDirectory, name), join(files, 'linux', name))
  const urls = ramdisk.initrds.map((name) => `${server}/linux/${name}`)
  const lines = [
    'DEFAULT bootwright',
    'LABEL bootwright',
    `  KERNEL ${server}/linux/${ramdisk.kernel}`,
    `  INITRD ${urls.join(',')}`,
    `  APPEND bootwright.server=${server} console=ttyS0,115200 bootwright.image=${image} bootwright.disk=serial=UNATTENDED`,
    '  IPAPPEND 2',
  ]
  await writeFile(join(files, 'pxelinux.cfg', 'default'), `${lines.join('\n')}\n`)
}

async function run(site: RackSite): Promise<CaseFigures> {
  const path = join(site.rack.directory, 'unattended.raw')
  await writeFile(path, '')
  await truncate(path, 4 * 2 ** 30)
  const disks = [{ path, format: 'raw' as const, serial: 'UNATTENDED' }]
  const machine = await site.addMachine({ name: 'unattended-1', firmware: 'bios', disks })
  const secondsToAgent = await site.bootAgent(machine, bootTimeoutMs)
  const queued = await site.timeline.waitFor(
    ({ kind, message }) => kind === 'deployment' && message.startsWith('queued'),
    {
      timeoutMs: bootTimeoutMs,
      what: 'the deployment that the arguments choose',
    },
  )
  const deployment = await site.awaitState(queued.deploymentId!, 'handed-over')
  assert.deepEqual([deployment.sessionOnly, deployment.diskRule], [true, { serial: 'UNATTENDED' }])
  site.log('written; its PXELINUX boots the agent again, with the same arguments')
  await machine.console.expect(/nothing is written by the kernel's arguments: .* was written to unattended-1 before/, {
    timeoutMs: bootTimeoutMs,
    what: 'that nothing is written again',
  })
  // Booted by no DHCP of ours, with a policy for anyone: the menu is there by itself.
  await machine.console.expect(/1 {3}Provision/, { timeoutMs: bootTimeoutMs, what: 'the menu' })
  const { deployments } = await site.client.request<{ deployments: Deployment[] }>('GET', '/api/v1/deployments/')
  assert.equal(deployments.length, 1)
  return caseFigures(deployment, secondsToAgent)
}
