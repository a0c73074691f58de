import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry } from '../image/tree.ts'
import { chooseInitrdCompression, kernelRefusal, parseKernelConfig, rulesOf } from './form-rules.ts'

const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }
const file = { type: 'file', path: 'f', ...metadata, sizeBytes: 1, row: 0, at: 0, holes: [] } as const
const unknown = parseKernelConfig('')

function refusal(form: 'squashfs' | 'initrd', node: Entry, { release = '6.1.0', links = 1 } = {}) {
  return rulesOf(form, { release }, unknown).refusal({ path: node.path, node, links, nth: 1 })
}
const having = (name: string): Entry => ({ ...file, xattrs: [{ name, value: Buffer.of(1) }] })

test('rulesOf() refuses for a cpio what newc and tmpfs cannot hold', () => {
  assert.equal(refusal('initrd', { ...file, sizeBytes: 2 ** 32 - 1 }), undefined)
  assert.match(refusal('initrd', { ...file, sizeBytes: 2 ** 32 })!, /less than 4 GiB/)
  assert.match(refusal('initrd', { type: 'symlink', path: 'l', ...metadata, target: 't' }, { links: 2 })!, /hard links/)
  assert.match(refusal('initrd', having('user.x'))!, /Linux 6.1.0 cannot hold it in memory/)
  assert.equal(refusal('initrd', having('user.x'), { release: '6.6.3' }), undefined)
  assert.equal(refusal('initrd', having('security.capability')), undefined)
  assert.equal(refusal('initrd', having('system.posix_acl_access')), undefined)
})

test('rulesOf() refuses for squashfs what it cannot hold, and what an overlay would take for its own', () => {
  assert.equal(refusal('squashfs', having('user.x')), undefined)
  assert.match(refusal('squashfs', having('system.nfs4_acl'))!, /squashfs cannot hold it/)
  assert.match(refusal('squashfs', having('trusted.overlay.opaque'))!, /overlay/)
})

test('rulesOf() has times restored that a form rounds or loses', () => {
  const squashfs = rulesOf('squashfs', { release: '6.1' }, unknown)
  const initrd = rulesOf('initrd', { release: '6.1' }, unknown)
  const forgetful = rulesOf(
    'initrd',
    { release: '6.1' },
    parseKernelConfig('# CONFIG_INITRAMFS_PRESERVE_MTIME is not set'),
  )
  assert.deepEqual(
    [squashfs.keepsTime(5, 1), squashfs.keepsTime(-1, 0), squashfs.keepsTime(2 ** 32, 0)],
    [true, false, false],
  )
  assert.deepEqual([initrd.keepsTime(5, 0), initrd.keepsTime(5, 1), initrd.keepsTime(-1, 0)], [true, false, false])
  assert.equal(forgetful.keepsTime(5, 0), false)
})

test('kernelRefusal() names what a kernel was made without, and believes one that says nothing', () => {
  assert.equal(kernelRefusal('squashfs', unknown), undefined)
  const config = parseKernelConfig(
    'CONFIG_SQUASHFS=m\nCONFIG_TMPFS=y\nCONFIG_BLK_DEV_LOOP=m\nCONFIG_BLK_DEV_INITRD=y\n',
  )
  assert.equal(kernelRefusal('squashfs', config), 'its kernel was made without CONFIG_OVERLAY_FS')
})

test('chooseInitrdCompression() takes the best that the kernel can unpack', () => {
  const programs = ['CONFIG_RD_ZSTD=y\nCONFIG_RD_XZ=y', 'CONFIG_RD_XZ=y', ''].map(
    (text) => chooseInitrdCompression(parseKernelConfig(text), 1).program,
  )
  assert.deepEqual(programs, ['zstd', 'xz', 'gzip'])
})
