import { test } from 'node:test'
import type { Disk } from '../../core/inventory.ts'
import { parseSignature, readDiskContents } from './read-partition-table.ts'

const disk: Disk = {
  device: '/dev/none-of-ours',
  bus: 'scsi',
  sizeBytes: 2 ** 30,
  logicalSectorBytes: 512,
  physicalSectorBytes: 512,
  rotational: false,
  removable: false,
  readOnly: false,
}

test('parseSignature() reads blkid’s export, with what a shell would not take as it is', (t) => {
  const text = 'DEVNAME=/dev/sda\nLABEL=my\\ \\"disk\\"=1\nUUID=1A2B-3C4D\nTYPE=vfat\n'
  t.assert.deepEqual(parseSignature(text), { type: 'vfat', label: 'my "disk"=1', uuid: '1A2B-3C4D' })
  t.assert.equal(parseSignature('DEVNAME=/dev/sda\nPTTYPE=gpt\n'), undefined)
})

test('parseSignature() gives labels that are safe to print', (t) => {
  t.assert.equal(/[\u0000-\u001f]/.test(parseSignature('TYPE=ext4\nLABEL=a\u001b[31mb\n')!.label!), false)
})

test('readDiskContents() tells of a disk that cannot be read, and goes on without what is on it', async (t) => {
  const told: string[] = []
  const stale = { ...disk, signature: { type: 'ext4' } }
  t.assert.deepEqual(await readDiskContents([stale], (text) => told.push(text)), [disk])
  t.assert.match(told[0] ?? '', /the partition table of \/dev\/none-of-ours cannot be read: "sfdisk --json/)
})
