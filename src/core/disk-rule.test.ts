import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseDisk, type DiskRule } from './disk-rule.ts'
import type { Disk } from './inventory.ts'

const root: Disk = {
  device: '/dev/vda',
  bus: 'virtio',
  serial: 'ROOT',
  sizeBytes: 4e9,
  logicalSectorBytes: 512,
  physicalSectorBytes: 512,
  rotational: false,
  removable: false,
  readOnly: false,
}
const data: Disk = { ...root, device: '/dev/vdb', serial: 'DATA', model: ' Fast One ', sizeBytes: 8e9 }
const stick: Disk = { ...root, device: '/dev/sda', bus: 'usb', serial: 'STICK', removable: true }
const lun: Disk = { ...root, device: '/dev/sdb', bus: 'fc', serial: 'LUN', special: 'lun' }
const media: Disk = { ...stick, device: '/dev/sdc', serial: 'BMC', special: 'virtual-media' }
const disks = [root, data, stick]

const table: [string, DiskRule, readonly Disk[], string | RegExp][] = [
  ['serial', { serial: 'DATA' }, disks, '/dev/vdb'],
  ['model without the spaces around it', { model: 'Fast One' }, disks, '/dev/vdb'],
  ['size', { maxBytes: 5e9 }, disks, '/dev/vda'],
  ['several conditions together', { bus: 'virtio', minBytes: 5e9 }, disks, '/dev/vdb'],
  ['removable only when asked for', { bus: 'usb', removable: true }, disks, '/dev/sda'],
  ['the only fixed disk when the rule is empty', {}, [root, stick], '/dev/vda'],
  ['the only disk of its own beside LUNs and BMC media', {}, [root, lun, media], '/dev/vda'],
  ['a LUN when the rule asks for it', { special: 'lun' }, [root, lun, media], '/dev/sdb'],
  ['BMC media when the rule asks for it', { special: 'virtual-media' }, [root, lun, media], '/dev/sdc'],
  [
    'a LUN that is not asked for',
    { serial: 'LUN' },
    [root, lun],
    /^no disk .*left out unless the rule says special=lun/,
  ],
  ['two matches', { bus: 'virtio' }, disks, /^2 disks match the rule \(bus=virtio\); the machine has \/dev\/vda.*DATA/],
  ['no match', { serial: 'GONE' }, disks, /^no disk matches the rule \(serial=GONE\); the machine has .*serial ROOT/],
  ['no disk at all', {}, [], /the machine has no disks$/],
  ['a read-only disk', { serial: 'ROOT' }, [{ ...root, readOnly: true }], /^no disk matches/],
]

for (const [criterion, rule, present, expected] of table) {
  test(`chooseDisk() by ${criterion}`, () => {
    const choice = chooseDisk(rule, present)
    if (typeof expected === 'string') assert.equal(choice.kind === 'disk' && choice.disk.device, expected)
    else assert.match(choice.kind === 'refused' ? choice.reason : '', expected)
  })
}
