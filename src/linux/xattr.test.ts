import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { writeFileTimes, writePathTimes } from './file-times.ts'
import { LinuxError } from './linux-error.ts'
import { dropCachedFile, syncFilesystem } from './page-cache.ts'
import { nextDataExtent } from './sparse.ts'
import { listXattrs, readXattr, writeXattr } from './xattr.ts'

function temporaryFile(t: { after(done: () => void): void }, content = ''): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'bootwright-linux-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const file = path.join(directory, 'file')
  fs.writeFileSync(file, content)
  return file
}

test('writeXattr() sets what listXattrs() and readXattr() see', (t) => {
  const file = temporaryFile(t)
  writeXattr(file, 'user.colour', Buffer.from('gr\0een'))
  writeXattr(Buffer.from(file), Buffer.from('user.empty'), Buffer.alloc(0))
  assert.deepEqual(listXattrs(file).map(String).sort(), ['user.colour', 'user.empty'])
  assert.deepEqual(readXattr(file, 'user.colour'), Buffer.from('gr\0een'))
  assert.deepEqual(readXattr(file, 'user.empty'), Buffer.alloc(0))
})

test('listXattrs() names the call and the file that is not there', () => {
  assert.throws(
    () => listXattrs('/nonexistent/x'),
    (error) => error instanceof LinuxError && error.code === 'ENOENT',
  )
})

test('writeFileTimes() and writePathTimes() keep all nine digits', (t) => {
  const file = temporaryFile(t)
  const fd = fs.openSync(file, 'r')
  writeFileTimes(fd, 1_700_000_000, 123_456_789)
  assert.equal(fs.fstatSync(fd, { bigint: true }).mtimeNs, 1_700_000_000_123_456_789n)
  fs.closeSync(fd)
  writePathTimes(file, -5, 1)
  assert.equal(fs.lstatSync(file, { bigint: true }).mtimeNs, -4_999_999_999n)
})

test('nextDataExtent() walks the data of a sparse file', (t) => {
  const file = temporaryFile(t)
  const fd = fs.openSync(file, 'r+')
  fs.writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, 1 << 20)
  fs.ftruncateSync(fd, 4 << 20)
  const extent = nextDataExtent(fd, 0)
  assert.ok(extent && extent.start <= 1 << 20 && extent.end >= (1 << 20) + 4096 && extent.end < 4 << 20)
  assert.equal(nextDataExtent(fd, 2 << 20), undefined)
  fs.closeSync(fd)
})

test('syncFilesystem() and dropCachedFile() accept an open file', (t) => {
  const fd = fs.openSync(temporaryFile(t, 'content'), 'r')
  syncFilesystem(fd)
  dropCachedFile(fd)
  assert.equal(fs.readFileSync(fd, 'utf8'), 'content')
  fs.closeSync(fd)
})

test('listXattrs() shows an ACL on XFS once', (t) => {
  const image = temporaryFile(t)
  fs.truncateSync(image, 512 * 2 ** 20)
  const mounted = path.join(path.dirname(image), 'mounted')
  fs.mkdirSync(mounted)
  try {
    execFileSync('mkfs.xfs', ['-q', image], { stdio: 'pipe' })
    execFileSync('mount', ['-o', 'loop', image, mounted], { stdio: 'pipe' })
  } catch (error) {
    if (process.env.REQUIRE_INTEROP === '1') throw error
    return t.skip('needs root, loop devices and xfsprogs')
  }
  try {
    // posix_acl_xattr.h: version 2, then tag, permissions and id of each entry; group 4 may read.
    const entries = [
      [1, 7, 0xffffffff],
      [4, 5, 0xffffffff],
      [8, 5, 4],
      [16, 5, 0xffffffff],
      [32, 5, 0xffffffff],
    ] as const
    const acl = Buffer.alloc(4 + 8 * entries.length)
    acl.writeUInt32LE(2)
    for (const [index, [tag, permissions, id]] of entries.entries()) {
      acl.writeUInt16LE(tag, 4 + 8 * index)
      acl.writeUInt16LE(permissions, 6 + 8 * index)
      acl.writeUInt32LE(id, 8 + 8 * index)
    }
    writeXattr(mounted, 'system.posix_acl_access', acl)
    assert.deepEqual(listXattrs(mounted).map(String), ['system.posix_acl_access'])
  } finally {
    execFileSync('umount', [mounted])
  }
})
