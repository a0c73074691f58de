import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ContentRoute, routeContent } from './content-route.ts'

const directories = { imageDirectory: '/data/images' }
const id = '3f'.repeat(32)
const image = (file: string, isImmutable: boolean): ContentRoute => {
  return { kind: 'file', file: `/data/images/${file}`, root: '/data/images', isImmutable }
}
const pack: ContentRoute = {
  ...{ kind: 'file', file: `/data/images/packs/${id}.pack`, root: '/data/images', isImmutable: true, entityTag: id },
}

const rows: [string, ContentRoute | ContentRoute['kind']][] = [
  ['/ipxe/snponly.efi', { kind: 'tree', path: '/ipxe/snponly.efi' }],
  ['http://10.0.0.1:4280/x', { kind: 'tree', path: '/x' }],
  ['/ramdisk/ab12/modules.cpio.zst?x=1', { kind: 'tree', path: '/ramdisk/ab12/modules.cpio.zst' }],
  ['/a%20b/c', { kind: 'tree', path: '/a b/c' }],
  ['/a/%2e%2e%2fsecret', 'missing'],
  ['/agent/../secret', 'missing'],
  ['/', { kind: 'tree', path: '/' }],
  [`/packs/${id}`, pack],
  [`/packs/${id}.pack`, pack],
  ['/packs/x', 'missing'],
  ['/packs', 'missing'],
  [`/images/${id}/manifest`, image(`versions/${id}/manifest`, true)],
  [`/images/${id}/locations`, image(`versions/${id}/locations`, false)],
  [`/images/${id}/signatures`, image(`versions/${id}/signatures`, false)],
  [`/images/${id}/other`, 'missing'],
  [`/images/${id}/renditions/disk/manifest`, image(`versions/${id}/renditions/disk/manifest`, false)],
  [`/images/${id}/renditions/volume-ext4/locations`, image(`versions/${id}/renditions/volume-ext4/locations`, false)],
  [
    `/images/${id}/renditions/btrfs-from-${id}/signatures`,
    image(`versions/${id}/renditions/btrfs-from-${id}/signatures`, false),
  ],
  [`/images/${id}/deltas/${id}/index`, image(`versions/${id}/deltas/${id}/index`, false)],
  [
    `/images/${id}/renditions/volume-xfs/deltas/${id}/data`,
    image(`versions/${id}/renditions/volume-xfs/deltas/${id}/data`, false),
  ],
  [`/images/${id}/deltas/${id}/other`, 'missing'],
  [`/images/${id}/deltas/..%2f/index`, 'missing'],
  [`/images/${id}/renditions/btrfs-from-abc/manifest`, 'missing'],
  [`/images/${id}/renditions/%2e%2e/manifest`, 'missing'],
  [`/images/${id}/renditions/disk/other`, 'missing'],
  [`/images/${id}/renditions/disk`, 'missing'],
  ['/images/current/manifest', 'missing'],
  ['/%ff', 'malformed'],
  ['/boot.ipxe?mac=52-54-00-12-34-56', 'forward'],
  ['/agent/session', 'forward'],
  ['//agent//session', 'forward'],
  ['/disk-loader/0000-0000.efi', 'forward'],
]

for (const [target, expected] of rows) {
  test(`routeContent() takes ${target} for ${typeof expected === 'string' ? expected : expected.kind}`, () => {
    const route = routeContent(target, directories)
    if (typeof expected === 'string') assert.equal(route.kind, expected)
    else assert.deepEqual(route, expected)
  })
}
