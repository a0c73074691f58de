import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { importDirectory } from '../image/import-directory.ts'
import { makeNastyTree, skipsWithoutRoot, temporaryDirectory } from '../image/nasty-tree.fixture.ts'
import { openRepository } from '../image/repository.ts'
import { openSigningKey } from '../image/signing-key.ts'
import { writeXattr } from '../linux/xattr.ts'
import { TreeDiffers, verifyTree } from './verify-tree.ts'
import { VersionServer } from './version-server.fixture.ts'
import { writeTree } from './write-tree.ts'

async function writtenTree(t: TestContext) {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  const targetDirectory = path.join(directory, 'target')
  fs.mkdirSync(source)
  fs.mkdirSync(targetDirectory)
  makeNastyTree(source, 7)
  const repository = await openRepository(path.join(directory, 'repository'))
  const key = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDirectory(repository, source, { image: 'nasty', signingKey: key })
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const { baseUrl } = server
  const options = { baseUrl, image: 'nasty', version: version.id, imagePublicKey: key.publicKey, targetDirectory }
  await writeTree(options)
  return { options, version, at: (name: string) => path.join(targetDirectory, name) }
}

/** Changes that leave as much as possible as it was, and what verifyTree() must say. */
const changes: [string, (at: (name: string) => string) => void, RegExp][] = [
  [
    'a byte of a large file',
    (at) => patch(at('sizes/size-786449'), 300_000),
    /sizes\/size-786449: the content differs/,
  ],
  ['a byte of a small file', (at) => patch(at('sizes/size-512'), 5), /sizes\/size-512.*the content differs/],
  ['a byte in a hole', (at) => patch(at('sparse/terabyte'), 2 ** 35), /sparse\/terabyte: a hole is not zeros/],
  ['a mode', (at) => fs.chmodSync(at('metadata/setuid'), 0o755), /metadata\/setuid: mode is 755, not 6755/],
  ['an owner', (at) => fs.lchownSync(at('metadata/owned-link'), 1, 88), /owner is 1:88, not 77:88/],
  ['an attribute', (at) => writeXattr(at('metadata/xattrs'), 'user.new', Buffer.of(1)), /xattrs: attributes/],
  ['a file too many', (at) => fs.writeFileSync(at('links/extra'), ''), /links\/extra: it should not be there/],
  ['a file too few', (at) => fs.rmSync(at('names/A')), /names\/A: (it is missing|ENOENT)/],
  ['a link that is a copy', unlink, /links\/z-first-made: it is no hard link to links\/a-then-linked/],
  ['a link elsewhere', relink, /links\/root: target is \/tmp, not \//],
]

function patch(file: string, offset: number): void {
  const times = fs.statSync(file)
  const fd = fs.openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  fs.readSync(fd, byte, 0, 1, offset)
  fs.writeSync(fd, Buffer.of(byte[0]! ^ 0xff), 0, 1, offset)
  fs.closeSync(fd)
  fs.utimesSync(file, times.atime, times.mtime)
}

function unlink(at: (name: string) => string): void {
  const content = fs.readFileSync(at('links/z-first-made'))
  fs.rmSync(at('links/z-first-made'))
  fs.writeFileSync(at('links/z-first-made'), content)
}

function relink(at: (name: string) => string): void {
  fs.rmSync(at('links/root'))
  fs.symlinkSync('/tmp', at('links/root'))
}

test('verifyTree() reads every byte of what writeTree() wrote', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { options, version } = await writtenTree(t)
  const { bytesRead, entries } = await verifyTree(options)
  assert.equal(bytesRead, version.sizeBytes)
  assert.equal(entries, version.entries)
})

test('verifyTree() finds every change, and says where', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { options, at } = await writtenTree(t)
  for (const [what, change, expected] of changes) {
    change(at)
    await assert.rejects(verifyTree(options), (error) => {
      assert.ok(error instanceof TreeDiffers, String(error))
      assert.ok(
        error.differences.some((difference) => expected.test(difference)),
        `${what}: ${error.differences}`,
      )
      return true
    })
  }
})
