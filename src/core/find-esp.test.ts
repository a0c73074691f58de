import { test } from 'node:test'
import { findEsp } from './find-esp.ts'
import type { Disk } from './inventory.ts'
import type { ExistingPartition } from './partition-table.ts'
import { partitionTypes } from './partition-types.ts'

function esp(uuid: string, number = 1): ExistingPartition {
  const type = partitionTypes.esp
  return { number, startBytes: number * 2 ** 20, sizeBytes: 2 ** 20, type, signature: { type: 'vfat', uuid } }
}

function disk(serial: string, partitions: ExistingPartition[]): Disk {
  const sectors = { logicalSectorBytes: 512, physicalSectorBytes: 512 }
  const table = { kind: 'gpt', firstUsableBytes: 17_408, endUsableBytes: 2 ** 34, partitions }
  const kind = { rotational: false, removable: false, readOnly: false, bus: 'sata' }
  return { device: `/dev/${serial}`, serial, sizeBytes: 2 ** 34, ...sectors, ...kind, table }
}

test('findEsp() gives the ESP of the disk that the rule means, whatever others have', (t) => {
  const disks = [disk('OLD', [esp('1111-AAAA')]), disk('ROOT', [esp('1A2B-3C4D')])]
  t.assert.equal(findEsp({ disks }, { serial: 'ROOT' }), '1A2B-3C4D')
  t.assert.equal(findEsp({ disks }, { serial: 'OLD' }), '1111-AAAA')
})

test('findEsp() gives none where the rule means several disks, or the disk has two', (t) => {
  const disks = [disk('OLD', [esp('1111-AAAA')]), disk('ROOT', [esp('1A2B-3C4D'), esp('2222-BBBB', 2)])]
  t.assert.equal(findEsp({ disks }, {}), undefined)
  t.assert.equal(findEsp({ disks }, { serial: 'ROOT' }), undefined)
  t.assert.equal(findEsp({ disks: [disk('ROOT', [])] }, {}), undefined)
  t.assert.equal(findEsp({ disks: [disk('ROOT', [esp('not an id')])] }, {}), undefined)
})
