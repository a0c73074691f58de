import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk } from './inventory.ts'
import { keptLayout } from './kept-layout.ts'
import type { Layout } from './layout.ts'
import { layoutProblems } from './layout-problems.ts'
import { planDisk } from './plan-disk.ts'

const gib = 2 ** 30
const guid = () => '00000000-0000-4000-8000-000000000000'
const disk: Disk = {
  device: '/dev/vda',
  bus: 'virtio',
  sizeBytes: 8 * gib,
  logicalSectorBytes: 512,
  physicalSectorBytes: 512,
  rotational: false,
  removable: false,
  readOnly: false,
}

test('keptLayout() finds every partition that its layout made, also several for data', () => {
  const layout: Layout = {
    name: 'own',
    table: 'new',
    partitions: [
      { role: 'bios-boot' },
      { role: 'root', size: '2 GiB', label: 'system' },
      { role: 'data', size: '1 GiB', mount: '/srv/a' },
      { role: 'data', size: 'rest', mount: '/srv/b' },
    ],
  }
  const facts = { firmware: 'bios', architecture: 'x64' } as const
  const first = planDisk({ ...facts, layout, disk }, guid)
  assert.ok(first.kind === 'plan')
  const partitions = first.plan.partitions.map(({ number, startBytes, sizeBytes, typeGuid, name, filesystem }) => ({
    ...{ number, startBytes, sizeBytes, type: typeGuid, name },
    ...(filesystem && { signature: { ...filesystem, uuid: `u${number}` } }),
  }))
  const table = { kind: 'gpt', firstUsableBytes: 2 ** 20, endUsableBytes: disk.sizeBytes - 2 ** 20, partitions }
  const again = keptLayout(layout, 'kept')
  assert.deepEqual(layoutProblems(again), [])
  const second = planDisk({ ...facts, layout: again, disk: { ...disk, table } }, guid)
  assert.ok(second.kind === 'plan', second.kind === 'refused' ? second.reason : '')
  assert.deepEqual(
    second.plan.partitions.map(({ number, entry, content, mount }) => [number, entry, content, mount]),
    [
      [1, 'existing', 'kept', undefined],
      [2, 'existing', 'kept', undefined],
      [3, 'existing', 'kept', '/srv/a'],
      [4, 'existing', 'kept', '/srv/b'],
    ],
  )
})
