import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { readTreeDisk, withoutMounts, writeTreeDisk } from '../../src/build/first-boot/tree-disk.ts'
import { diffVersions } from '../../src/image/diff/diff-versions.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { temporaryDirectory } from '../../src/image/nasty-tree.fixture.ts'
import { openRepository } from '../../src/image/repository.ts'
import { openSigningKey } from '../../src/image/signing-key.ts'

test('writeTreeDisk() and readTreeDisk() give a tree back as it was, without what is mounted in it', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('filesystems are mounted, which only root may')
  const work = temporaryDirectory(t)
  const [tree, back] = [join(work, 'tree'), join(work, 'back')]
  makeTree(tree)
  fs.mkdirSync(join(back, 'etc'), { recursive: true })
  fs.writeFileSync(join(back, 'etc/stale'), 'gone')
  execFileSync('mount', ['-t', 'tmpfs', 'none', join(tree, 'proc')])
  fs.writeFileSync(join(tree, 'proc/of-the-builder'), 'not in the tree')
  const disk = join(work, 'disk')
  try {
    await withoutMounts(tree, work, (plain) => writeTreeDisk(plain, disk, work))
  } finally {
    execFileSync('umount', [join(tree, 'proc')])
  }
  await readTreeDisk(disk, back, work)

  const repository = await openRepository(join(work, 'images'))
  const signingKey = await openSigningKey(join(work, 'keys'))
  fs.mkdirSync(join(back, 'proc'))
  const before = await importDirectory(repository, tree, { image: 'before', signingKey })
  const after = await importDirectory(repository, back, { image: 'after', signingKey })
  const changes: string[] = []
  await diffVersions(repository, before.id, after.id, {
    onFiles: (files) => void changes.push(...files.map(({ path, aspects = [] }) => `${path} ${aspects.join(' ')}`)),
  })
  // The root's own, and those that the kernel fills, stay as they are in the tree.
  assert.deepEqual(
    changes.filter((change) => !/^(proc)? /.test(change)),
    [],
  )
})

function makeTree(tree: string): void {
  for (const directory of ['etc', 'usr/bin', 'proc']) fs.mkdirSync(join(tree, directory), { recursive: true })
  const tool = join(tree, 'usr/bin/tool')
  fs.writeFileSync(tool, Buffer.alloc(100_000, 1), { mode: 0o755 })
  fs.linkSync(tool, join(tree, 'etc/tool'))
  execFileSync('setcap', ['cap_net_raw+ep', tool])
  fs.writeFileSync(join(tree, 'etc/shared'), 'x', { mode: 0o640 })
  execFileSync('setfacl', ['-m', 'u:33:rw', join(tree, 'etc/shared')])
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'kept', join(tree, 'etc/shared')])
  fs.chownSync(join(tree, 'etc/shared'), 7, 8)
  fs.symlinkSync('../usr/bin/tool', join(tree, 'etc/link'))
  execFileSync('mknod', [join(tree, 'etc/null'), 'c', '1', '3'])
  fs.utimesSync(join(tree, 'etc/shared'), 1_000_000_000, 1_000_000_000)
}
