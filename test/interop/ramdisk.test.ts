import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { AgentArchitecture } from '../../src/core/agent-architecture.ts'
import { buildRamdisk, defaultCacheDirectory } from '../../src/ramdisk/build-ramdisk.ts'
import type { Ramdisk } from '../../src/ramdisk/published-ramdisk.ts'
import { bootMac, bootRamdisk } from './ramdisk/virtual-machine.ts'

type Report = {
  interface: string
  macs: string[]
  disks: { name: string; serial: string }[]
  drivers: string[]
  availableMebibytes: number
  pid: boolean
  overlay: boolean
  tools: string[]
}

const agentEntry = join(import.meta.dirname, 'ramdisk/probe.ts')
const trust = { imagePublicKeyPem: 'image key', orderPublicKeyPem: 'order key' }
const bootCard = ['-netdev', 'user,id=boot', '-device', `e1000,netdev=boot,mac=${bootMac},romfile=`]

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bootwright-ramdisk-'))
})
after(() => rm(directory, { recursive: true }))

type BuildOptions = { overlay?: string; outputDirectory?: string; architecture?: AgentArchitecture }

async function build(options: BuildOptions = {}): Promise<Ramdisk> {
  return buildRamdisk({
    architecture: options.architecture ?? 'x64',
    cacheDirectory: defaultCacheDirectory(),
    outputDirectory: options.outputDirectory ?? join(directory, 'out'),
    agentEntry,
    trust,
    ...(options.overlay === undefined ? {} : { overlay: options.overlay }),
  })
}

/** True, after saying so, when the programs the test needs are not there. */
function missingPrograms(t: TestContext, programs: readonly string[]): boolean {
  const missing = programs.filter((program) => {
    try {
      execFileSync('sh', ['-c', 'command -v "$0"', program])
      return false
    } catch {
      return true
    }
  })
  if (missing.length === 0) return false
  const message = `needs ${missing.join(', ')}`
  if (process.env.REQUIRE_INTEROP === '1') assert.fail(message)
  t.skip(message)
  return true
}

const buildPrograms = ['apt-get', 'dpkg-deb', 'depmod', 'zstd', 'readelf']

test('buildRamdisk() keeps kernel and initrds within 72 MiB, and gives the same id again', async (t) => {
  if (missingPrograms(t, buildPrograms)) return
  const ramdisk = await build()
  assert.ok(ramdisk.totalBytes <= 72 * 1024 * 1024, `${ramdisk.totalBytes} bytes`)
  assert.deepStrictEqual(ramdisk.initrds, ['tools.cpio.zst', 'modules.cpio.zst', 'agent.cpio.zst', 'site.cpio'])
  const again = await build({ outputDirectory: join(directory, 'again') })
  assert.strictEqual(again.id, ramdisk.id)
})

test('the ramdisk finds every network card and disk of a machine with one of each kind, in 768 MiB', async (t) => {
  if (missingPrograms(t, [...buildPrograms, 'qemu-system-x86_64'])) return
  const overlay = join(directory, 'overlay')
  await mkdir(join(overlay, 'etc'), { recursive: true })
  await mkdir(join(overlay, 'bin'))
  await writeFile(join(overlay, 'etc/site-file'), '')
  const cards = ['virtio-net-pci', 'e1000e', 'rtl8139', 'vmxnet3', 'pcnet', 'i82559c', 'ne2k_pci', 'tulip']
  const { match, console } = await bootRamdisk({
    ramdisk: await build({ overlay }),
    memoryMebibytes: 768,
    kernelArguments: 'quiet',
    devices: [...bootCard, ...cards.flatMap(networkCard), ...(await disks())],
    directory,
    until: /REPORT (.*)/,
    deadlineMs: 300_000,
  })
  const report = JSON.parse(match[1]!) as Report
  t.diagnostic(`${report.availableMebibytes} MiB available; ${report.disks.map(({ name }) => name).join(' ')}`)
  assert.match(console, new RegExp(`booted from ${report.interface} \\(${bootMac}\\)`))
  for (const index of cards.keys()) assert.ok(report.macs.includes(cardMac(index)), `no ${cards[index]}`)
  const serials = report.disks.map(({ serial }) => serial).sort()
  for (const serial of ['NVME', 'AHCI', 'MEGA', 'LSI', 'VBLK', 'VSCSI', 'PV', 'USB']) {
    assert.ok(
      serials.some((each) => each.includes(serial)),
      `no ${serial} among ${serials.join(', ')}`,
    )
  }
  assert.ok(
    report.disks.some(({ name }) => name.startsWith('mmcblk')),
    'no memory card',
  )
  // QEMU's mptsas1068 shows its disks to firmware but announces none to Linux: that the driver took it must do
  assert.ok(report.drivers.includes('mptsas'))
  assert.ok(report.availableMebibytes >= 300, `${report.availableMebibytes} MiB available`)
  assert.deepStrictEqual([report.pid, report.overlay, report.tools.length], [true, true, 9])
})

test('init says which interfaces there are when BOOTIF names none of them', async (t) => {
  if (missingPrograms(t, [...buildPrograms, 'qemu-system-x86_64'])) return
  const { console } = await bootRamdisk({
    ramdisk: await build(),
    memoryMebibytes: 768,
    kernelArguments: 'quiet bootwright.debug',
    devices: ['-netdev', 'user,id=other', '-device', 'virtio-net-pci,netdev=other,mac=52:54:00:00:00:01,romfile='],
    directory,
    until: /a shell; exit reboots/,
    deadlineMs: 300_000,
  })
  assert.match(console, /no network interface has the address 52:54:00:12:34:56 .* there are: eth0 52:54:00:00:00:01/)
})

function cardMac(index: number): string {
  return `52:54:00:12:35:0${index}`
}

function networkCard(model: string, index: number): string[] {
  const card = `${model},netdev=n${index},mac=${cardMac(index)},romfile=`
  return ['-netdev', `user,id=n${index},restrict=on`, '-device', card]
}

/** One disk on each kind of controller QEMU has; am53c974's driver crashes Linux 6.1 when its interrupt is shared. */
async function disks(): Promise<string[]> {
  const image = join(directory, 'disk.img')
  await writeFile(image, '')
  await truncate(image, 64 * 1024 * 1024)
  const drive = (id: string) => ['-drive', `if=none,id=${id},format=raw,file=${image},snapshot=on,file.locking=off`]
  const scsi = (controller: string, id: string) => [
    ...drive(id),
    ...['-device', `${controller},id=bus-${id}`, '-device', `scsi-hd,drive=${id},bus=bus-${id}.0,serial=${id}`],
  ]
  return [
    ...[...drive('NVME'), '-device', 'nvme,drive=NVME,serial=NVME'],
    ...[...drive('AHCI'), '-device', 'ide-hd,drive=AHCI,bus=ide.0,serial=AHCI'],
    ...[...drive('VBLK'), '-device', 'virtio-blk-pci,drive=VBLK,serial=VBLK'],
    ...scsi('megasas', 'MEGA'),
    ...scsi('mptsas1068', 'MPT'),
    ...scsi('lsi53c895a', 'LSI'),
    ...scsi('virtio-scsi-pci', 'VSCSI'),
    ...scsi('pvscsi', 'PV'),
    ...['-device', 'qemu-xhci,id=xhci', ...drive('USB'), '-device', 'usb-storage,bus=xhci.0,drive=USB,serial=USB'],
    ...[...drive('CARD'), '-device', 'sdhci-pci', '-device', 'sd-card,drive=CARD'],
  ]
}
