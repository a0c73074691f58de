import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BootTree, filesMounts, lookUp, lookUpDirectory, type TreePlace } from './tree.ts'

const tree: BootTree = [
  ...filesMounts('/srv/files', ['/srv/more'], ['/var/lib/tftpboot', '/tftpboot']),
  { at: 'ipxe/ipxe.efi', file: '/boot/ipxe.efi' },
  { at: 'ramdisk', directory: '/data/ramdisk', isImmutable: true },
]
const ours = tree.slice(-2)

const inFiles = (path: string) => ({
  file: `/srv/files/${path}`,
  roots: ['/srv/files', '/srv/more'],
  isImmutable: false,
})
const loader = { file: '/boot/ipxe.efi', roots: ['/boot/ipxe.efi'], isImmutable: false }
const ramdisk = { file: '/data/ramdisk/3f/vmlinuz', roots: ['/data/ramdisk'], isImmutable: true }
const found: [string, TreePlace[]][] = [
  ['ipxe/ipxe.efi', [inFiles('ipxe/ipxe.efi'), loader]],
  ['/ipxe//ipxe.efi', [inFiles('ipxe/ipxe.efi'), loader]],
  ['\\ipxe\\ipxe.efi', [inFiles('ipxe/ipxe.efi'), loader]],
  ['./ipxe/./ipxe.efi', [inFiles('ipxe/ipxe.efi'), loader]],
  ['ramdisk/3f/vmlinuz', [inFiles('ramdisk/3f/vmlinuz'), ramdisk]],
  ['pxelinux.cfg/default', [inFiles('pxelinux.cfg/default')]],
  ['Boot/a..b', [inFiles('Boot/a..b')]],
  ['/tftpboot/pxelinux.0', [inFiles('tftpboot/pxelinux.0'), inFiles('pxelinux.0')]],
  ['/var/lib/tftpboot//x/y', [inFiles('var/lib/tftpboot/x/y'), inFiles('x/y')]],
  [
    'grub/grub.cfg-01-52:54:00:12:34:56',
    [inFiles('grub/grub.cfg-01-52:54:00:12:34:56'), inFiles('grub/grub.cfg-01-52-54-00-12-34-56')],
  ],
  ['/tftpboots/x', [inFiles('tftpboots/x')]],
]

for (const [wirePath, places] of found) {
  test(`lookUp() names the places of ${JSON.stringify(wirePath)}, the operator's first`, () => {
    const lookup = lookUp(tree, wirePath)
    assert.ok(lookup.kind === 'places')
    assert.deepEqual(lookup.places, places)
  })
}

const missing: [string, string][] = [
  ['', 'the path is empty'],
  ['///', 'the path is empty'],
  ['ramdisk', 'no such file'],
  ['ipxe/ipxe.efi/x', 'no such file'],
  ['ipxe/other.efi', 'no such file'],
  ['ramdisk/../secret', 'the path leaves the tree'],
  ['..\\secret', 'the path leaves the tree'],
  ['ramdisk/a\0b', 'the path has a NUL in it'],
  [`ramdisk/${'a'.repeat(600)}`, 'the path has more than 512 characters'],
]

for (const [wirePath, reason] of missing) {
  test(`lookUp() refuses ${JSON.stringify(wirePath.slice(0, 20))}: ${reason}`, () => {
    assert.deepEqual(lookUp(ours, wirePath), { kind: 'missing', reason })
  })
}

test('lookUp() gives the normal form of the path', () => {
  const lookup = lookUp(tree, '\\Boot//BCD')
  assert.deepEqual(lookup, { kind: 'places', path: 'Boot/BCD', places: [inFiles('Boot/BCD')] })
})

test('lookUpDirectory() has the names of mounts and the directories that may have more, no other names of them', () => {
  const names = (path: string) => lookUpDirectory(tree, path)?.names
  assert.deepEqual(names('/'), ['ipxe/', 'ramdisk/'])
  assert.deepEqual(names('ipxe/'), ['ipxe.efi'])
  assert.deepEqual(names('ramdisk'), [])
  assert.equal(names('../x'), undefined)
  const places = lookUpDirectory(tree, 'tftpboot/x')?.places.map(({ file }) => file)
  assert.deepEqual(places, ['/srv/files/tftpboot/x', '/srv/files/x'])
})
