import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { rackNetwork } from '../../src/rack/switch.ts'

const loaders = ['ipxe', 'grub', 'pxelinux'] as const

export const rackCase: RackCase = {
  name: 'ramroot-initrd',
  describe:
    'iPXE, GRUB and PXELINUX each boot a whole root that is one cpio, capabilities and all, with the server off afterwards',
  set: 'long',
  longestMinutes: 40,
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'initrd', log),
  siteFile: `interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
machines:
${loaders.map((loader) => `  whole-${loader}: { loader: ${loader} }`).join('\n')}
`,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  let secondsToAgent = 0
  for (const loader of loaders) secondsToAgent = await bootWhole(site, loader)
  return { secondsToAgent, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function bootWhole(site: RackSite, loader: string): Promise<number> {
  const machine = await site.addMachine({ name: `whole-${loader}`, firmware: 'bios', memoryMiB: 1536, disks: [] })
  const placed = await orderRamroot(site, machine, { rendition: 'initrd' })
  assert.equal(placed.refused, undefined)
  const startedAt = Date.now()
  await machine.powerOn()
  const shell = await site.logIn(machine, 8 * 60_000)
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10
  await awaitRamrootUp(site, startedAt)
  assert.match(await shell.run('awk \'$2 == "/" { print $3 }\' /proc/mounts'), /^(rootfs|tmpfs)$/m)
  assert.equal(await shell.run('hostname'), machine.spec.name)
  assert.equal(await shell.run('ls -d /.bootwright 2>/dev/null || true'), '', 'nothing of the early system is left')
  assert.equal(await shell.run('ls -d /run/bootwright/talk 2>/dev/null || true'), '', "this boot's secrets are gone")
  site.log(`${loader}: login after ${seconds} s`)
  await machine.powerOff()
  return seconds
}
