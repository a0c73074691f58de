import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exactDiskRule } from './exact-disk-rule.ts'
import type { Disk } from './inventory.ts'

const disk = (device: string, facts: Partial<Disk> = {}): Disk => ({
  ...{ device, bus: 'sata', sizeBytes: 10_000_000_000, logicalSectorBytes: 512, physicalSectorBytes: 512 },
  ...{ rotational: false, removable: false, readOnly: false },
  ...facts,
})

const table: [string, Disk[], ReturnType<typeof exactDiskRule>][] = [
  [
    'goes by the serial number',
    [disk('/dev/sda', { serial: 'A' }), disk('/dev/sdb', { serial: 'B' })],
    { serial: 'A' },
  ],
  [
    'goes by the WWN where serial numbers repeat',
    [disk('/dev/sda', { serial: 'X', wwn: '1' }), disk('/dev/sdb', { serial: 'X', wwn: '2' })],
    { wwn: '1' },
  ],
  [
    'takes the model to it where serial numbers repeat',
    [disk('/dev/sda', { serial: 'X', model: 'M' }), disk('/dev/sdb', { serial: 'X', model: 'N' })],
    { serial: 'X', model: 'M' },
  ],
  [
    'goes by the size where there is no serial number',
    [disk('/dev/sda'), disk('/dev/sdb', { sizeBytes: 1 })],
    { minBytes: 10_000_000_000, maxBytes: 10_000_000_000 },
  ],
  ['has none for one of two equals', [disk('/dev/sda'), disk('/dev/sdb')], undefined],
  ['has none for what cannot be written to', [disk('/dev/sda', { serial: 'A', readOnly: true })], undefined],
  [
    'says of a removable or left-out disk that it is meant',
    [disk('/dev/sda', { serial: 'A', removable: true, special: 'lun' })],
    { serial: 'A', removable: true, special: 'lun' },
  ],
]

for (const [what, disks, rule] of table) {
  test(`exactDiskRule() ${what}`, () => assert.deepEqual(exactDiskRule(disks[0]!, disks), rule))
}
