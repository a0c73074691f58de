import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawDisk, drawPlan } from './draw-disk.ts'
import type { Disk } from './inventory.ts'
import type { Layout, LayoutPartition } from './layout.ts'
import type { ExistingPartition, PartitionTable } from './partition-table.ts'
import { partitionTypes } from './partition-types.ts'
import { planDisk } from './plan-disk.ts'
import { findReadyLayout } from './ready-layouts.ts'

const mib = 2 ** 20
const gib = 2 ** 30

function disk(sizeBytes: number, facts: Partial<Disk> = {}): Disk {
  const kind = { device: '/dev/vda', bus: 'virtio', rotational: false, removable: false, readOnly: false }
  return { ...kind, sizeBytes, logicalSectorBytes: 512, physicalSectorBytes: 4096, ...facts }
}

function existing(number: number, startMib: number, sizeMib: number, facts: Partial<ExistingPartition>) {
  return {
    number,
    startBytes: startMib * mib,
    sizeBytes: sizeMib * mib,
    type: partitionTypes.linux,
    guid: `G${number}`,
    ...facts,
  }
}

const bios = existing(1, 1, 1, { type: partitionTypes['bios-boot'] })
const esp = existing(2, 2, 100, {
  type: partitionTypes.esp,
  signature: { type: 'vfat', label: 'ESP', uuid: '1A2B-3C4D' },
})
const root = existing(3, 102, 2048, { name: 'bootwright-root', signature: { type: 'ext4', label: 'root', uuid: 'r' } })
const home = existing(7, 2150, 1000, { signature: { type: 'xfs', label: 'home', uuid: 'h' } })

function gpt(partitions: ExistingPartition[], sizeBytes = 4 * gib): PartitionTable {
  return { kind: 'gpt', guid: 'D', firstUsableBytes: mib, endUsableBytes: sizeBytes - 33 * 512, partitions }
}

/** GUIDs that count. */
function counting(): () => string {
  let next = 0
  return () => `00000000-0000-4000-8000-00000000000${next++}`
}

function planned(layout: Layout, machineDisk: Disk, firmware: 'bios' | 'uefi' = 'bios', architecture = 'x64') {
  const planning = planDisk({ layout, disk: machineDisk, firmware, architecture }, counting())
  assert.equal(planning.kind, 'plan', planning.kind === 'refused' ? planning.reason : '')
  return (planning as Extract<typeof planning, { kind: 'plan' }>).plan
}

function refused(layout: Layout, machineDisk: Disk, firmware: 'bios' | 'uefi' = 'bios'): string {
  const planning = planDisk({ layout, disk: machineDisk, firmware, architecture: 'x64' }, counting())
  assert.equal(planning.kind, 'refused')
  return (planning as Extract<typeof planning, { kind: 'refused' }>).reason
}

const ready = (name: string) => findReadyLayout(name)!
const own = (table: 'new' | 'kept', ...partitions: LayoutPartition[]): Layout => ({ name: 'own', table, partitions })

test('planDisk() whole-disk leaves room for the second GPT and aligns to 1 MiB, 512n, 512e and 4Kn', () => {
  for (const logicalSectorBytes of [512, 4096]) {
    for (const sizeBytes of [2 * gib, 2 * gib + 4096, 3 * gib - 4096, 1000204886016]) {
      const plan = planned(ready('whole-disk'), disk(sizeBytes, { logicalSectorBytes }))
      for (const { startBytes, sizeBytes: size } of plan.partitions) {
        assert.equal(startBytes % mib, 0)
        assert.equal(size % mib, 0)
      }
      const last = plan.partitions.at(-1)!
      const left = sizeBytes - (last.startBytes + last.sizeBytes)
      assert.ok(left >= 33 * logicalSectorBytes && left < 2 * mib, `${left} bytes are left`)
    }
  }
})

test('planDisk() refuses a disk that is too small and says what is needed and what is there', () => {
  const reason = refused(ready('whole-disk'), disk(gib, { serial: 'S1' }))
  assert.match(reason, /layout whole-disk does not fit .*serial S1.*root partition needs 1024 MiB.* is 921 MiB/)
})

test('planDisk() puts the rest between partitions with a size, in the order of the layout', () => {
  const layout = own('new', { role: 'bios-boot' }, { role: 'root' }, { role: 'swap', size: '512 MiB' })
  const places = planned(layout, disk(4 * gib)).partitions.map((p) => [p.role, p.startBytes / mib, p.sizeBytes / mib])
  assert.deepEqual(places, [
    ['bios-boot', 1, 1],
    ['root', 2, 3581],
    ['swap', 3583, 512],
  ])
})

test('planDisk() unpartitioned takes the largest free space and a free number, and names nobody else', () => {
  const partitions = [bios, esp, existing(3, 102, 500, {}), existing(5, 1000, 100, {})]
  const plan = planned(ready('unpartitioned'), disk(4 * gib, { table: gpt(partitions) }))
  const made = plan.partitions.filter(({ entry }) => entry === 'new')
  assert.deepEqual(
    made.map((p) => [p.number, p.role, p.startBytes / mib, p.sizeBytes / mib]),
    [[4, 'root', 1100, 2995]],
  )
  assert.deepEqual(plan.untouched, [partitions[2], partitions[3]])
  assert.equal(plan.table, 'kept')
})

test('planDisk() reformat and keep-home find partitions by name and label and keep entry, place and GUID', () => {
  const machineDisk = disk(4 * gib, { table: gpt([bios, esp, root, home]) })
  const reformat = planned(ready('reformat'), machineDisk)
  const found = reformat.partitions.find(({ role }) => role === 'root')!
  assert.deepEqual([found.entry, found.content, found.number, found.guid], ['existing', 'made', 3, 'G3'])
  assert.deepEqual(
    [found.startBytes, found.sizeBytes, found.filesystem],
    [root.startBytes, root.sizeBytes, { type: 'ext4' }],
  )
  assert.deepEqual(reformat.untouched, [home])
  const keepHome = planned(ready('keep-home'), machineDisk)
  const data = keepHome.partitions.find(({ role }) => role === 'data')!
  assert.deepEqual([data.number, data.content, data.mount, data.signature?.uuid], [7, 'kept', '/home', 'h'])
})

test('planDisk() needs the loader partition of its firmware only', () => {
  const noEsp = disk(4 * gib, { table: gpt([bios, root]) })
  planned(ready('reformat'), noEsp, 'bios')
  assert.match(refused(ready('reformat'), noEsp, 'uefi'), /no partition matches the esp partition \(type=esp\)/)
  const noGap = disk(4 * gib, { table: gpt([esp, root]) })
  planned(ready('reformat'), noGap, 'uefi')
  assert.match(refused(ready('reformat'), noGap, 'bios'), /no partition matches the bios-boot partition/)
  const bare = own('new', { role: 'root' })
  assert.match(refused(bare, disk(4 * gib), 'uefi'), /starts by UEFI, which needs an EFI system partition/)
})

test('planDisk() refuses what is not there, is there twice, or holds something else, and lists the table', () => {
  const twice = disk(4 * gib, { table: gpt([bios, root, { ...home, name: 'bootwright-root' }]) })
  const reason = refused(ready('reformat'), twice)
  assert.match(reason, /2 partitions match the root partition \(partitionLabel=bootwright-root\)/)
  assert.match(
    reason,
    /it has GPT: 1 \[bios-boot, 1 MiB\], 3 \[linux, "bootwright-root", ext4 "root", 2048 MiB\], 7 \[.*MiB free/,
  )
  const locked = { ...home, signature: { type: 'crypto_LUKS', label: 'home' } }
  assert.match(refused(ready('keep-home'), disk(4 * gib, { table: gpt([bios, root, locked]) })), /holds crypto_LUKS/)
  assert.match(
    refused(ready('receive'), disk(4 * gib, { table: gpt([bios, root]) })),
    /no partition matches .*filesystem=btrfs/,
  )
  const full = disk(2150 * mib + mib, { table: gpt([bios, esp, root], 2151 * mib) })
  assert.match(refused(ready('unpartitioned'), full), /needs 1024 MiB, and the largest free space left for it is 0 MiB/)
})

test('planDisk() keeps only a GPT that it can read', () => {
  assert.match(refused(ready('reformat'), disk(4 * gib)), /it has no partition table/)
  const pool = disk(4 * gib, { signature: { type: 'LVM2_member' } })
  assert.match(refused(ready('reformat'), pool), /LVM2_member on the whole disk/)
  const dos = disk(4 * gib, { table: { ...gpt([]), kind: 'dos' } })
  assert.match(refused(ready('reformat'), dos), /partition table is dos; only a GPT can be kept/)
})

test('drawDisk() and drawPlan() show before and after', () => {
  const machineDisk = disk(4 * gib, { table: gpt([bios, esp, root, home]) })
  assert.deepEqual(drawDisk(machineDisk), [
    '  1     1 MiB  bios-boot',
    '  2   100 MiB  esp, vfat "ESP"',
    '  3  2048 MiB  linux, "bootwright-root", ext4 "root"',
    '  7  1000 MiB  linux, xfs "home"',
    '  -   945 MiB  free',
  ])
  assert.deepEqual(drawPlan(planned(ready('keep-home'), machineDisk), machineDisk), [
    '  1     1 MiB  kept: bios-boot',
    '  2   100 MiB  kept: esp, vfat "ESP"',
    '  3  2048 MiB  made anew: root, ext4, at /, ext4 "root" is lost',
    '  7  1000 MiB  kept: data, xfs "home", at /home',
    '  -   945 MiB  free',
  ])
})
