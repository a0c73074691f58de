import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { FileUnreadable, openInsideRoot, openTreeFile } from './open-file.ts'

let directory: string
let root: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'open-file-'))
  root = join(directory, 'root')
  await mkdir(join(root, 'inner'), { recursive: true })
  await mkdir(join(directory, 'root-twin'))
  await writeFile(join(root, 'file'), 'content')
  await writeFile(join(directory, 'secret'), 'secret')
  await writeFile(join(directory, 'root-twin', 'secret'), 'secret')
  await symlink('file', join(root, 'link-inside'))
  await symlink('../secret', join(root, 'link-outside'))
  await symlink('..', join(root, 'directory-outside'))
  await symlink('../root-twin/secret', join(root, 'link-to-twin'))
  await symlink('loop', join(root, 'loop'))
  await symlink('root', join(directory, 'root-link'))
  execFileSync('mkfifo', [join(root, 'fifo')])
})
after(() => rm(directory, { recursive: true }))

for (const name of ['file', 'link-inside', 'inner/../file']) {
  test(`openInsideRoot() opens ${name}`, async () => {
    const opened = await openInsideRoot(join(root, name), root)
    assert.ok(opened.kind === 'file')
    assert.equal(await opened.handle.readFile('utf8'), 'content')
    assert.equal(opened.sizeBytes, 7)
    await opened.handle.close()
  })
}

const refused: [string, string][] = [
  ['absent', 'no such file'],
  ['file/below', 'no such file'],
  ['loop', 'no such file'],
  ['inner', 'it is not a file'],
  ['fifo', 'it is not a file'],
  ['link-outside', 'the file lies outside its root'],
  ['directory-outside/secret', 'the file lies outside its root'],
  ['link-to-twin', 'the file lies outside its root'],
]

for (const [name, reason] of refused) {
  test(`openInsideRoot() refuses ${name}: ${reason}`, async () => {
    assert.deepEqual(await openInsideRoot(`${root}/${name}`, root), { kind: 'missing', reason })
  })
}

test('openInsideRoot() takes a root that is itself a link', async () => {
  const linked = join(directory, 'root-link')
  const opened = await openInsideRoot(join(linked, 'file'), linked)
  assert.ok(opened.kind === 'file')
  await opened.handle.close()
})

test('openTreeFile() opens a single mounted file through its link', async () => {
  const opened = await openTreeFile([{ at: 'loader.efi', file: join(root, 'link-outside') }], '\\loader.efi')
  assert.ok(opened.kind === 'file')
  assert.equal(opened.path, 'loader.efi')
  await opened.handle.close()
})

test('openInsideRoot() throws FileUnreadable for a fault that is not absence', async () => {
  await assert.rejects(openInsideRoot(`${root}/file\0`, root), FileUnreadable)
})
