import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DiskPlan } from '../../core/disk-plan.ts'
import { seenPartitions } from './partition-disk.ts'

const mib = 2 ** 20

const partition = { entry: 'new', content: 'made', typeGuid: '', guid: '', name: '' } as const

const plan: DiskPlan = {
  table: 'new',
  diskGuid: '',
  sectorBytes: 4096,
  partitions: [
    { ...partition, number: 1, role: 'bios-boot', startBytes: mib, sizeBytes: mib },
    { ...partition, number: 2, role: 'esp', startBytes: 2 * mib, sizeBytes: 100 * mib },
    { ...partition, number: 3, role: 'root', startBytes: 102 * mib, sizeBytes: 1024 * mib },
  ],
  untouched: [],
}

/** /sys with nvme0n1 and these partitions: number, start and size in 512-byte sectors, as the kernel counts them. */
function sysfs(t: TestContext, partitions: [number, number, number][]): string {
  const root = mkdtempSync(join(tmpdir(), 'sys-'))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'block/nvme0n1/queue'), { recursive: true })
  for (const [number, start, size] of partitions) {
    const directory = join(root, `block/nvme0n1/nvme0n1p${number}`)
    mkdirSync(directory)
    for (const [name, value] of Object.entries({ partition: number, start, size })) {
      writeFileSync(join(directory, name), `${value}\n`)
    }
  }
  return root
}

test('seenPartitions() names the devices when the kernel shows the whole plan', (t) => {
  const root = sysfs(t, [
    [1, 2048, 2048],
    [2, 4096, 204800],
    [3, 208896, 2097152],
  ])
  t.assert.deepEqual(
    seenPartitions(root, 'nvme0n1', plan),
    new Map([
      [1, '/dev/nvme0n1p1'],
      [2, '/dev/nvme0n1p2'],
      [3, '/dev/nvme0n1p3'],
    ]),
  )
})

test('seenPartitions() waits while the kernel still shows the old table', (t) => {
  const old = sysfs(t, [
    [1, 2048, 2048],
    [2, 4096, 1048576],
    [3, 1052672, 2097152],
  ])
  t.assert.equal(seenPartitions(old, 'nvme0n1', plan), undefined)
  t.assert.equal(seenPartitions(sysfs(t, []), 'nvme0n1', plan), undefined)
})
