import { copyFile, link, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bootToOrder } from '../../src/cli/rack/boot-to-order.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import type { RackSupplies } from '../../src/cli/rack/supplies.ts'
import type { RackMachine } from '../../src/rack/machine.ts'
import { defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'

const bootTimeoutMs = 4 * 60_000
const files = join(defaultCacheDirectory(), 'rack', 'hand-made')
/** Of the rack's first machine. */
const configurationName = '01-52-54-00-77-00-01'

export const rackCase: RackCase = {
  name: 'boot-handmade-pxelinux',
  describe: "the operator's PXELINUX with its hand-made configuration is run, but for the boot that has an order",
  set: 'long',
  prepare: makeFiles,
  serveOptions: ['--files', files, '--hand-made', 'pxelinux.0'],
  run,
}

/** As it lies in many a server room: links, and absolute paths of the server it was made for. */
async function makeFiles({ ramdiskDirectory }: RackSupplies): Promise<void> {
  await rm(files, { recursive: true, force: true })
  for (const name of ['pxelinux.cfg', 'roles', 'linux']) await mkdir(join(files, name), { recursive: true })
  await copyFile('/usr/lib/PXELINUX/pxelinux.0', join(files, 'pxelinux.0'))
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(files, 'ldlinux.c32'))
  for (const name of ['vmlinuz', 'agent.cpio.zst']) await link(join(ramdiskDirectory, name), join(files, 'linux', name))
  const lines = [
    'DEFAULT ours',
    'LABEL ours',
    '  KERNEL /var/lib/tftpboot/linux/vmlinuz',
    '  INITRD linux/agent.cpio.zst',
    '  APPEND console=ttyS0,115200 hand-made=yes',
  ]
  await writeFile(join(files, 'roles', 'worker.cfg'), `${lines.join('\n')}\n`)
  await symlink('../roles/worker.cfg', join(files, 'pxelinux.cfg', configurationName))
}

async function run(site: RackSite): Promise<CaseFigures> {
  const machine = await site.addMachine({ name: 'handmade-1', firmware: 'bios' })
  await machine.powerOn()
  await expectHandMade(machine)
  await machine.powerOff()

  site.log('an order waits now: it comes first')
  const figures = await bootToOrder(site, machine)
  await machine.powerOff()

  site.log('the order is over, and its intent with it')
  machine.console.skipToNow()
  await machine.powerOn()
  await expectHandMade(machine)
  return figures
}

async function expectHandMade({ console }: RackMachine): Promise<void> {
  const timeouts = { timeoutMs: bootTimeoutMs }
  await console.expect(/Command line:.* hand-made=yes/, { ...timeouts, what: "the operator's kernel" })
  await console.expect(/Freeing initrd memory/, { ...timeouts, what: 'its initrd' })
}
