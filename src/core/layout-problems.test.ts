import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check } from 'typebox/value'
import { Layout, type LayoutPartition } from './layout.ts'
import { LayoutInvalid, layoutProblems, refuseInvalidLayout, refuseUnfitRendition } from './layout-problems.ts'
import type { DeployRendition } from './order.ts'
import { readyLayouts } from './ready-layouts.ts'

const root: LayoutPartition = { role: 'root' }
const found = { find: { label: 'x' } }

test('layoutProblems() finds none in the ready layouts, which fit the schema', () => {
  for (const layout of readyLayouts) {
    assert.equal(Check(Layout, layout), true, layout.name)
    assert.deepEqual(layoutProblems(layout), [], layout.name)
  }
})

const wrong: [string, 'new' | 'kept', LayoutPartition[], RegExp][] = [
  ['no root', 'new', [{ role: 'esp' }], /partitions: there is no root/],
  ['two roots', 'new', [root, { ...root, size: '2 GiB' }], /more than one root/],
  ['two rests', 'new', [root, { role: 'swap', size: 'rest' }], /more than one new partition takes the rest/],
  ['found in a new table', 'new', [{ role: 'root', ...found }], /partitions.0.find: a new table has no existing/],
  [
    'kept but new',
    'kept',
    [{ role: 'root', content: 'kept' }],
    /partitions.0.content: a new partition's content is made/,
  ],
  ['size of what is there', 'kept', [{ role: 'root', ...found, size: '1 GiB' }], /partitions.0.size/],
  ['an ESP made anew', 'kept', [root, { role: 'esp', ...found, content: 'made' }], /partitions.1.content/],
  ['data without a place', 'new', [root, { role: 'data', size: '1 GiB' }], /data needs mount or subvolumes/],
  ['data at /usr', 'new', [root, { role: 'data', size: '1 GiB', mount: '/usr/local' }], /belongs to the root/],
  ['data at /var', 'new', [root, { role: 'data', size: '1 GiB', mount: '/var' }], /packages know of themselves/],
  ['ext4 subvolumes', 'new', [{ role: 'root', subvolumes: [{ name: '@', mount: '/' }] }], /say filesystem: btrfs/],
  [
    'one place twice',
    'kept',
    [root, { role: 'data', ...found, mount: '/home' }, { role: 'data', ...found, mount: '/home' }],
    /partitions.2.mount: \/home stands there twice/,
  ],
]

for (const [what, table, partitions, expected] of wrong) {
  test(`refuseInvalidLayout() names the place of what is wrong: ${what}`, () => {
    assert.throws(
      () => refuseInvalidLayout({ name: 'own', table, partitions }),
      (error) => error instanceof LayoutInvalid && expected.test(error.message),
    )
  })
}

const subvolumes = [{ name: '@', mount: '/' }]
const unfit: [DeployRendition, 'new' | 'kept', LayoutPartition, RegExp][] = [
  ['tree', 'kept', { role: 'root', ...found, content: 'received' }, /only the rendition btrfs is received, not tree/],
  ['btrfs', 'kept', { role: 'root', ...found }, /partitions.0.content: the rendition btrfs is received, or written to/],
  ['btrfs', 'new', { role: 'root', filesystem: 'ext4' }, /needs filesystem: btrfs/],
  ['btrfs', 'new', { role: 'root', filesystem: 'btrfs', subvolumes }, /each version is a subvolume/],
  ['volume', 'new', { role: 'root', filesystem: 'btrfs', subvolumes }, /a filesystem without subvolumes/],
  ['disk', 'kept', { role: 'root' }, /brings a table and keeps nothing/],
]

for (const [rendition, table, partition, expected] of unfit) {
  test(`refuseUnfitRendition() refuses ${rendition}: ${expected.source}`, () => {
    assert.throws(() => refuseUnfitRendition({ name: 'own', table, partitions: [partition] }, rendition), expected)
  })
}
