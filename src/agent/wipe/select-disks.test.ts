import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Disk } from '../../core/inventory.ts'
import { refuseInUse } from './free-disk.ts'
import { selectDisks } from './select-disks.ts'

const disk = (device: string, more: Partial<Disk> = {}): Disk => ({
  ...{ device, bus: 'sata', sizeBytes: 1e9, logicalSectorBytes: 512, physicalSectorBytes: 512 },
  ...{ rotational: true, removable: false, readOnly: false },
  ...more,
})
const [sda, sdb] = [disk('/dev/sda', { serial: 'A' }), disk('/dev/sdb', { serial: 'B' })]
const lun = disk('/dev/sdc', { special: 'lun' })
const media = disk('/dev/sdd', { special: 'virtual-media', removable: true })

test('selectDisks() of all means every fixed disk, and says what it leaves out', () => {
  const { disks, leftOut } = selectDisks('all', [sda, lun, sdb, media])
  assert.deepEqual(disks, [sda, sdb])
  assert.match(leftOut.join(' '), /sdc.*special=lun.*sdd.*special=virtual-media/)
})

test('selectDisks() by a rule takes exactly one, also what is special where the rule says so', () => {
  assert.deepEqual(selectDisks({ serial: 'B' }, [sda, sdb]).disks, [sdb])
  assert.deepEqual(selectDisks({ special: 'lun' }, [sda, lun]).disks, [lun])
  assert.throws(() => selectDisks({}, [sda, sdb]), /2 disks match/)
})

test('selectDisks() of all refuses a disk that cannot be written, and no disk at all: neither is a success', () => {
  assert.throws(() => selectDisks('all', [sda, disk('/dev/sde', { readOnly: true })]), /sde.*cannot be written/)
  assert.throws(() => selectDisks('all', [lun, media]), /no fixed disk/)
})

test('refuseInUse() names RAID, LVM and LUKS that hold a disk or a partition of it, and swap', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'sys-'))
  t.after(() => rmSync(root, { recursive: true }))
  const make = (path: string) => mkdirSync(join(root, path), { recursive: true })
  make('block/sda/holders')
  make('block/sda/sda1/holders')
  make('block/dm-0/dm')
  const [mounts, swaps] = [join(root, 'mounts'), join(root, 'swaps')]
  writeFileSync(mounts, '')
  writeFileSync(swaps, 'Filename\t\t\t\tType\n')
  refuseInUse(sda, root, mounts, swaps)
  make('block/sda/holders/md0')
  make('block/sda/sda1/holders/dm-0')
  writeFileSync(join(root, 'block/dm-0/dm/name'), 'vg-root\n')
  writeFileSync(swaps, 'Filename\t\t\t\tType\n/dev/sda1                               partition\n')
  assert.throws(
    () => refuseInUse(sda, root, mounts, swaps),
    /in use by \/dev\/md0, vg-root \(\/dev\/dm-0\), swap on \/dev\/sda1\. Stop or unmount/,
  )
})
