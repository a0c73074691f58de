import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyTree } from '../image/renditions/tree-contents.ts'
import type { Tree } from '../image/tree.ts'
import { findKernel, isLeftOut } from './boot-kernel.ts'

const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

function treeOf(...paths: string[]): Tree {
  const files = paths.map(
    (path) => ({ type: 'file', path, ...metadata, sizeBytes: 0, row: 0, at: 0, holes: [] }) as const,
  )
  return { ...emptyTree, entries: [...emptyTree.entries, ...files] }
}

function found(...paths: string[]) {
  const search = findKernel(treeOf(...paths))
  assert.equal(search.kind, 'found')
  return search.kind === 'found' ? search.kernel : undefined
}

test('findKernel() takes the newest kernel that has its modules, by number and not by letter', () => {
  const kernel = found(
    ...['boot/vmlinuz-6.1.0-9-amd64', 'boot/vmlinuz-6.1.0-10-amd64', 'boot/vmlinuz-6.1.0-11-amd64'],
    ...['boot/config-6.1.0-10-amd64', 'usr/lib/modules/6.1.0-9-amd64/modules.dep'],
    'usr/lib/modules/6.1.0-10-amd64/modules.dep',
  )!
  assert.equal(kernel.release, '6.1.0-10-amd64')
  assert.equal(kernel.config?.path, 'boot/config-6.1.0-10-amd64')
  assert.equal(kernel.architecture, 'x64')
})

test("findKernel() knows Fedora's places, and arm64 by its dynamic loader", () => {
  const kernel = found(
    ...['lib/modules/6.9/modules.dep', 'lib/modules/6.9/vmlinuz', 'usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1'],
  )!
  assert.deepEqual([kernel.modulesDirectory, kernel.architecture], ['lib/modules/6.9', 'arm64'])
  assert.ok(isLeftOut({ path: 'lib/modules/6.9/vmlinuz' }, kernel))
  assert.ok(isLeftOut({ path: 'boot/grub/grub.cfg' }, kernel))
  assert.ok(!isLeftOut({ path: 'boot' }, kernel))
})

test('findKernel() says what a version without a kernel lacks', () => {
  const search = findKernel(treeOf('boot/vmlinuz-6.1', 'etc/passwd'))
  assert.match(search.kind === 'none' ? search.reason : '', /no kernel with its modules/)
})
