import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { MachineSpec } from './machine-spec.ts'
import { qemuArguments, qemuProgram } from './qemu-arguments.ts'

const bios: MachineSpec = {
  name: 'm1',
  firmware: 'bios',
  networkBoot: 'firmware',
  mac: parseMac('52:54:00:77:00:01'),
  furtherMacs: [],
  uuid: '7ac40000-0000-4000-8000-000000000001',
  nic: 'virtio-net-pci',
  bridge: 'br0',
  memoryMiB: 768,
  processors: 2,
  disks: [
    { path: '/r/a,b.qcow2', format: 'qcow2', serial: 'ONE' },
    { path: '/r/two.raw', format: 'raw', serial: 'TWO' },
  ],
}
const wiring = {
  accelerator: ['-accel', 'kvm'],
  taps: ['tap0', 'tap0-1'],
  variablesPath: '/r/m1.vars.fd',
  capturePrefix: '/r/m1.1',
  qmpFd: 3,
}

/** The values given for an option, in order. */
function valuesOf(values: readonly string[], option: string): string[] {
  return values.flatMap((value, index) => (values[index - 1] === option ? [value] : []))
}

test('qemuArguments() boots the network first, then the disks in their order', () => {
  const devices = valuesOf(qemuArguments(bios, wiring), '-device').join('\n')
  assert.match(devices, /virtio-net-pci,.*bootindex=1\n/)
  assert.match(devices, /serial=ONE,bootindex=2\n.*serial=TWO,bootindex=3$/)
})

test('qemuArguments() has firmware ask every card before the disks, each with a capture of its own', () => {
  const values = qemuArguments({ ...bios, furtherMacs: [parseMac('52:54:00:77:01:01')] }, wiring)
  const devices = valuesOf(values, '-device').join('\n')
  assert.match(devices, /netdev=net1,mac=52:54:00:77:01:01,bootindex=2\n/)
  assert.match(devices, /serial=ONE,bootindex=3\n.*serial=TWO,bootindex=4$/)
  const captures = valuesOf(values, '-object').map((object) => /file=([^,]+)/.exec(object)?.[1])
  assert.deepEqual(captures.slice(-2), ['/r/m1.1.pcap', '/r/m1.1.card1.pcap'])
})

test("qemuArguments() writes a comma of a path twice, as QEMU's option lists want it", () => {
  assert.match(valuesOf(qemuArguments(bios, wiring), '-drive')[0] ?? '', /file=\/r\/a,,b\.qcow2,/)
})

test('qemuArguments() has writes to a failing sector of a disk end with EIO', () => {
  const disks = [
    { path: '/r/a.raw', format: 'raw' as const, serial: 'BAD', failingSector: { sector: 4096, once: false } },
  ]
  const [drive = ''] = valuesOf(qemuArguments({ ...bios, disks }, wiring), '-drive')
  assert.match(drive, /format=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=\/r\/a.raw,/)
  assert.match(
    drive,
    /inject-error.0.iotype=write,file.inject-error.0.errno=5,file.inject-error.0.sector=4096,file.inject-error.0.once=off,/,
  )
})

test('qemuArguments() gives a UEFI machine its own variables and no ROM, so that EDK2 asks the network', () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi' }, wiring)
  assert.ok(valuesOf(values, '-drive').some((drive) => drive.includes('if=pflash') && drive.includes('/r/m1.vars.fd')))
  assert.ok(valuesOf(values, '-device').some((device) => device.endsWith(',romfile=')))
})

test('qemuArguments() makes an arm64 machine of the virt board, with the firmware and the program for it', () => {
  const arm64: MachineSpec = { ...bios, architecture: 'arm64', firmware: 'uefi' }
  const values = qemuArguments(arm64, wiring)
  assert.deepEqual(valuesOf(values, '-machine'), ['virt'])
  assert.match(valuesOf(values, '-drive')[0] ?? '', /AAVMF_CODE/)
  assert.deepEqual([qemuProgram(arm64), qemuProgram(bios)], ['qemu-system-aarch64', 'qemu-system-x86_64'])
})

test('qemuArguments() keeps the iPXE ROM of a UEFI machine that is to boot with it', () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi', networkBoot: 'ipxe-rom' }, wiring)
  assert.ok(!valuesOf(values, '-device').some((device) => device.includes('romfile')))
})

test('qemuArguments() gives Secure Boot the firmware with keys, whose variables Linux cannot write by itself', () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi', secureBoot: true }, wiring)
  assert.ok(valuesOf(values, '-machine')[0]?.endsWith(',smm=on'))
  assert.deepEqual(valuesOf(values, '-global'), ['driver=cfi.pflash01,property=secure,value=on'])
  assert.ok(valuesOf(values, '-drive')[0]?.endsWith('OVMF_CODE_4M.ms.fd'))
})

test("qemuArguments() switches EDK2's PXE off for a machine that boots by HTTP", () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi', networkBoot: 'firmware-http' }, wiring)
  assert.ok(valuesOf(values, '-fw_cfg').includes('name=opt/org.tianocore/IPv4PXESupport,string=no'))
  assert.ok(valuesOf(values, '-device').some((device) => device.endsWith(',romfile=')))
})

test('qemuArguments() makes NVMe disks, 4096-byte sectors, and one SCSI disk by two paths', () => {
  const disks: MachineSpec['disks'] = [
    { path: '/n', format: 'raw', serial: 'N', bus: 'nvme' },
    { path: '/k', format: 'raw', serial: 'K', sectorBytes: 4096 },
    { path: '/s', format: 'raw', serial: 'S', bus: 'scsi', paths: { count: 2, wwn: '5000c50015ea71ac' } },
  ]
  const values = qemuArguments({ ...bios, disks }, wiring)
  assert.deepEqual(valuesOf(values, '-device').slice(-5), [
    'nvme,drive=disk0,serial=N,bootindex=2',
    'virtio-blk-pci,drive=disk1,serial=K,logical_block_size=4096,physical_block_size=4096,bootindex=3',
    'virtio-scsi-pci,id=scsi2',
    'scsi-hd,bus=scsi2.0,drive=disk2,serial=S,wwn=0x5000c50015ea71ac,share-rw=on,bootindex=4',
    'scsi-hd,bus=scsi2.0,drive=disk2-1,serial=S,wwn=0x5000c50015ea71ac,share-rw=on',
  ])
  const shared = valuesOf(values, '-drive').filter((drive) => drive.includes('file=/s'))
  assert.ok(shared.length === 2 && shared.every((drive) => drive.endsWith('file.locking=off')))
})

test('qemuArguments() connects a disk that is served over a socket', () => {
  const disks: MachineSpec['disks'] = [{ path: '/d,1', format: 'nbd', serial: 'D' }]
  const drive = valuesOf(qemuArguments({ ...bios, disks }, wiring), '-drive').at(-1)
  assert.match(drive!, /,format=raw,file\.driver=nbd,file\.server\.type=unix,file\.server\.path=\/d,,1,discard=unmap/)
})

test('qemuArguments() plugs a SATA disk into a port of its own, and has a disk ignore discards', () => {
  const sata = { path: '/r/s.raw', format: 'raw', serial: 'S', bus: 'sata', ignoresDiscard: true } as const
  const values = qemuArguments({ ...bios, disks: [...bios.disks, sata] }, wiring)
  assert.match(valuesOf(values, '-device').at(-1) ?? '', /^ide-hd,bus=ide\.2,drive=disk2,serial=S,/)
  const drives = valuesOf(values, '-drive')
  assert.match(drives.at(-1) ?? '', /discard=ignore/)
  assert.match(drives[0] ?? '', /discard=unmap/)
})
