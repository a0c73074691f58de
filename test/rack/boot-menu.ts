import { link, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { makeSpeakingDisk, spokenWord } from '../../src/cli/rack/make-speaking-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { rackNetwork } from '../../src/rack/switch.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const files = join(defaultCacheDirectory(), 'rack', 'menu')
const bootTimeoutMs = 4 * 60_000
const loaders = ['pxelinux', 'grub', 'ipxe'] as const
const machineLines = loaders.flatMap((loader) => [
  `  menu-${loader}-key: { loader: ${loader} }`,
  `  menu-${loader}-wait: { loader: ${loader} }`,
])
const downArrow = '\x1b[B'

export const rackCase: RackCase = {
  name: 'boot-menu',
  describe: 'PXELINUX, GRUB and iPXE show the menu: a key chooses the second entry, and in time the first one starts',
  set: 'long',
  prepare: makeFiles,
  siteFile: `files: ${files}
interfaces: { ${rackNetwork.bridge}: { mode: authoritative } }
settings:
  menu:
    timeoutSeconds: 8
    entries:
      - { name: disk, title: Start the disk, boot: disk }
      - { name: rescue, title: Rescue system, kernel: rescue/vmlinuz, arguments: ["console=ttyS0,115200", chosen=rescue] }
machines:
${machineLines.join('\n')}
`,
  run,
}

async function makeFiles({ ramdiskDirectory }: RackSupplies): Promise<void> {
  await rm(files, { recursive: true, force: true })
  await mkdir(join(files, 'rescue'), { recursive: true })
  await link(join(ramdiskDirectory, 'vmlinuz'), join(files, 'rescue', 'vmlinuz'))
}

async function run(site: RackSite): Promise<CaseFigures> {
  for (const loader of loaders) {
    await chooseByKey(site, loader)
    await waitForDefault(site, loader)
  }
  return { secondsToAgent: 0, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

const timeouts = { timeoutMs: bootTimeoutMs }

async function chooseByKey(site: RackSite, loader: string): Promise<void> {
  const machine = await showMenu(site, loader, 'key')
  site.log(`${loader}: the second entry is chosen`)
  machine.console.type(`${downArrow}\r`)
  // The kernel says it twice: of the first time the line loses characters where a loader had the serial port before.
  await machine.console.expect(/ommand line:.* chosen=rescue/, { ...timeouts, what: 'the chosen kernel' })
  await machine.powerOff()
}

async function waitForDefault(site: RackSite, loader: string): Promise<void> {
  const machine = await showMenu(site, loader, 'wait')
  site.log(`${loader}: nobody chooses`)
  await machine.console.expect(new RegExp(spokenWord), { ...timeouts, what: 'the disk' })
  await machine.powerOff()
}

/**
 * A machine of its own, with its own address: GRUB, which counts its ports from the same number at every boot, leaves a connection
 * open when it starts something, and a kernel without a network never resets it.
 */
async function showMenu(site: RackSite, loader: string, purpose: string): Promise<RackMachine> {
  const name = `menu-${loader}-${purpose}`
  const path = join(site.rack.directory, `${name}.raw`)
  await makeSpeakingDisk(path, { firmware: 'bios' })
  const disks = [{ path, format: 'raw' as const, serial: 'BOOTS' }]
  const machine = await site.addMachine({ name, firmware: 'bios', disks })
  await machine.powerOn()
  await machine.console.expect(/Rescue system/, { ...timeouts, what: `the menu of ${loader}` })
  return machine
}
