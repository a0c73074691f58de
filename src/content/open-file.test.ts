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
    const opened = await openInsideRoot(join(root, name), [root])
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
]

for (const [name, reason] of refused) {
  test(`openInsideRoot() refuses ${name}: ${reason}`, async () => {
    assert.deepEqual(await openInsideRoot(`${root}/${name}`, [root]), { kind: 'missing', reason })
  })
}

for (const name of ['link-outside', 'directory-outside/secret', 'link-to-twin']) {
  test(`openInsideRoot() refuses ${name} and says where it leads`, async () => {
    const opened = await openInsideRoot(`${root}/${name}`, [root])
    assert.ok(opened.kind === 'outside' && opened.reason.includes(`leads to ${directory}/`), JSON.stringify(opened))
  })
}

test('openInsideRoot() follows a link to another root that is named', async () => {
  const opened = await openInsideRoot(`${root}/link-to-twin`, [root, join(directory, 'root-twin'), '/absent'])
  assert.ok(opened.kind === 'file')
  await opened.handle.close()
})

test('openTreeFile() takes a file from the first mount that has it', async () => {
  const tree = [
    { at: '', directory: join(root, 'inner') },
    { at: '', directory: root },
  ]
  await writeFile(join(root, 'inner', 'both'), 'inner')
  await writeFile(join(root, 'both'), 'outer')
  for (const [name, content] of [
    ['both', 'inner'],
    ['file', 'content'],
  ] as const) {
    const opened = await openTreeFile(tree, name)
    assert.ok(opened.kind === 'file')
    assert.equal(await opened.handle.readFile('utf8'), content)
    await opened.handle.close()
  }
})

test('openInsideRoot() takes a root that is itself a link', async () => {
  const linked = join(directory, 'root-link')
  const opened = await openInsideRoot(join(linked, 'file'), [linked])
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
  await assert.rejects(openInsideRoot(`${root}/file\0`, [root]), FileUnreadable)
})
