import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Disk } from '../../core/inventory.ts'
import { DiskTooSmall, planWholeDisk, renderSfdiskScript } from './plan-layout.ts'

const gib = 2 ** 30

function disk(sizeBytes: number, logicalSectorBytes: number): Disk {
  return {
    device: '/dev/vda',
    bus: 'virtio',
    sizeBytes,
    logicalSectorBytes,
    physicalSectorBytes: 4096,
    rotational: false,
    removable: false,
    readOnly: false,
  }
}

/** GUIDs that count, so that the scripts can be compared whole. */
function counting(): () => string {
  let next = 0
  return () => `00000000-0000-4000-8000-00000000000${next++}`
}

const golden = (name: string) => readFileSync(new URL(`goldens/${name}`, import.meta.url), 'utf8')

test('renderSfdiskScript() of a 4 GiB disk with 512-byte sectors', (t) => {
  t.assert.equal(renderSfdiskScript(planWholeDisk(disk(4 * gib, 512), 'x64', counting())), golden('4gib-512.sfdisk'))
})

test('renderSfdiskScript() of a 960 GB disk with 4096-byte sectors', (t) => {
  t.assert.equal(
    renderSfdiskScript(planWholeDisk(disk(1875385008 * 512, 4096), 'arm64', counting())),
    golden('960gb-4096.sfdisk'),
  )
})

test('planWholeDisk() leaves room for the second GPT and aligns to 1 MiB', (t) => {
  for (const sizeBytes of [2 * gib, 2 * gib + 512, 3 * gib - 512, 1000204886016]) {
    const plan = planWholeDisk(disk(sizeBytes, 512), 'x64', counting())
    for (const { startBytes, sizeBytes: size } of plan.partitions) {
      t.assert.equal(startBytes % 2 ** 20, 0)
      t.assert.equal(size % 2 ** 20, 0)
    }
    const root = plan.partitions.at(-1)!
    const left = sizeBytes - (root.startBytes + root.sizeBytes)
    t.assert.equal(left >= 33 * 512 && left < 2 * 2 ** 20, true, `${left} bytes are left`)
  }
})

test('planWholeDisk() refuses a disk that is too small and says what is needed', (t) => {
  t.assert.throws(
    () => planWholeDisk(disk(gib, 512), 'x64', counting()),
    (error) => error instanceof DiskTooSmall && /has 1024 MiB .* needs 1128 MiB/.test(error.message),
  )
})
