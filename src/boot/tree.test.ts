import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BootTree, lookUp } from './tree.ts'

const tree: BootTree = [
  { at: 'ipxe/ipxe.efi', file: '/boot/ipxe.efi' },
  { at: 'site', directory: '/srv/site' },
  { at: 'site/special', directory: '/srv/special' },
]

const found: [string, string, string][] = [
  ['ipxe/ipxe.efi', '/boot/ipxe.efi', '/boot/ipxe.efi'],
  ['/ipxe//ipxe.efi', '/boot/ipxe.efi', '/boot/ipxe.efi'],
  ['\\ipxe\\ipxe.efi', '/boot/ipxe.efi', '/boot/ipxe.efi'],
  ['./ipxe/./ipxe.efi', '/boot/ipxe.efi', '/boot/ipxe.efi'],
  ['site/a/b', '/srv/site/a/b', '/srv/site'],
  ['site/special/b', '/srv/special/b', '/srv/special'],
  ['site/specially', '/srv/site/specially', '/srv/site'],
  ['site/a..b', '/srv/site/a..b', '/srv/site'],
]

for (const [wirePath, file, root] of found) {
  test(`lookUp() finds ${JSON.stringify(wirePath)}`, () => {
    const lookup = lookUp(tree, wirePath)
    assert.ok(lookup.kind === 'file')
    assert.deepEqual([lookup.file, lookup.root], [file, root])
  })
}

const missing: [string, string][] = [
  ['', 'the path is empty'],
  ['///', 'the path is empty'],
  ['site', 'no such file'],
  ['ipxe/ipxe.efi/x', 'no such file'],
  ['ipxe/other.efi', 'no such file'],
  ['site/../secret', 'the path leaves the tree'],
  ['..\\secret', 'the path leaves the tree'],
  ['site/a\0b', 'the path has a NUL in it'],
  [`site/${'a'.repeat(600)}`, 'the path has more than 512 characters'],
]

for (const [wirePath, reason] of missing) {
  test(`lookUp() refuses ${JSON.stringify(wirePath.slice(0, 20))}: ${reason}`, () => {
    assert.deepEqual(lookUp(tree, wirePath), { kind: 'missing', reason })
  })
}

test('lookUp() gives the normal form of the path', () => {
  const lookup = lookUp([{ at: '', directory: '/srv' }], '\\Boot//BCD')
  assert.deepEqual(lookup, { kind: 'file', path: 'Boot/BCD', file: '/srv/Boot/BCD', root: '/srv' })
})
