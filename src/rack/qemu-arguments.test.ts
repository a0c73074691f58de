import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { MachineSpec } from './machine-spec.ts'
import { qemuArguments } from './qemu-arguments.ts'

const bios: MachineSpec = {
  name: 'm1',
  firmware: 'bios',
  networkBoot: 'firmware',
  mac: parseMac('52:54:00:77:00:01'),
  uuid: '7ac40000-0000-4000-8000-000000000001',
  nic: 'virtio-net-pci',
  memoryMiB: 768,
  processors: 2,
  disks: [
    { path: '/r/a,b.qcow2', format: 'qcow2', serial: 'ONE' },
    { path: '/r/two.raw', format: 'raw', serial: 'TWO' },
  ],
}
const wiring = {
  accelerator: ['-accel', 'kvm'],
  tap: 'tap0',
  variablesPath: '/r/m1.vars.fd',
  capturePath: '/r/m1.pcap',
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

test("qemuArguments() writes a comma of a path twice, as QEMU's option lists want it", () => {
  assert.match(valuesOf(qemuArguments(bios, wiring), '-drive')[0] ?? '', /file=\/r\/a,,b\.qcow2,/)
})

test('qemuArguments() gives a UEFI machine its own variables and no ROM, so that EDK2 asks the network', () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi' }, wiring)
  assert.ok(valuesOf(values, '-drive').some((drive) => drive.includes('if=pflash') && drive.includes('/r/m1.vars.fd')))
  assert.ok(valuesOf(values, '-device').some((device) => device.endsWith(',romfile=')))
})

test('qemuArguments() keeps the iPXE ROM of a UEFI machine that is to boot with it', () => {
  const values = qemuArguments({ ...bios, firmware: 'uefi', networkBoot: 'ipxe-rom' }, wiring)
  assert.ok(!valuesOf(values, '-device').some((device) => device.includes('romfile')))
})
