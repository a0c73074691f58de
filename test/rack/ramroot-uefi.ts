import assert from 'node:assert/strict'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { awaitRamrootUp, orderRamroot, prepareRamRoot } from '../../src/cli/rack/ramroot-machine.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { rackNetwork } from '../../src/rack/switch.ts'

const loaders = ['ipxe', 'grub', 'shim'] as const

export const rackCase: RackCase = {
  name: 'ramroot-uefi',
  describe:
    'EDK2 runs a version from memory by iPXE, by GRUB, and under Secure Boot by shim and the signed GRUB, with the version’s own signed kernel',
  set: 'long',
  longestMinutes: 60,
  prepare: (supplies, log) => prepareRamRoot(supplies, supplies.image, 'squashfs', log),
  siteFile: `interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
machines:
${loaders.map((loader) => `  uefi-${loader}: { loader: ${loader} }`).join('\n')}
`,
  run,
}

async function run(site: RackSite): Promise<CaseFigures> {
  const steps = []
  for (const loader of loaders) steps.push({ step: loader, seconds: await bootBy(site, loader) })
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps }
}

async function bootBy(site: RackSite, loader: (typeof loaders)[number]): Promise<number> {
  const isSecure = loader === 'shim'
  const machine = await site.addMachine({
    ...{ name: `uefi-${loader}`, firmware: 'uefi', memoryMiB: 1024, disks: [] },
    ...(isSecure && { secureBoot: true }),
  })
  assert.equal((await orderRamroot(site, machine, { rendition: 'squashfs' })).refused, undefined)
  const startedAt = Date.now()
  await machine.powerOn()
  const shell = await site.logIn(machine, 12 * 60_000)
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10
  await awaitRamrootUp(site, startedAt)
  assert.equal(await shell.run('findmnt -n -o FSTYPE /'), 'overlay')
  assert.equal(await shell.run('ls -d /sys/firmware/efi'), '/sys/firmware/efi')
  if (isSecure) assert.match(await shell.run('cat /sys/kernel/security/lockdown'), /\[integrity\]/)
  site.log(`${loader}: login after ${seconds} s`)
  await machine.powerOff()
  return seconds
}
