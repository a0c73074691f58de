import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { importDirectory } from '../import-directory.ts'
import { describeWithTools, makeNastyTree, skipsWithoutRoot, temporaryDirectory } from '../nasty-tree.fixture.ts'
import { openRepository } from '../repository.ts'
import { openSigningKey } from '../signing-key.ts'
import { assertSameDescription, changeNastyTree } from './changed-tree.fixture.ts'
import { ensureRendition } from './ensure-rendition.ts'
import { LoopMount } from './loop-mount.ts'
import { readRenditionBytes } from './read-bytes.ts'

/** A real btrfs to receive into. */
async function mountBtrfs(directory: string): Promise<LoopMount> {
  const file = path.join(directory, 'receiver.img')
  execFileSync('truncate', ['-s', '2G', file])
  execFileSync('mkfs.btrfs', ['-q', file])
  return LoopMount.open(file, 'btrfs', 'compress=no')
}

test('ensureRendition() makes btrfs streams, whole and against a parent, that btrfs receive takes', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  await using mount = await mountBtrfs(directory)
  const receiver = mount.directory
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const receive = async (versionId: string, parent?: string) => {
    const rendition = await ensureRendition(repository, versionId, { name: 'btrfs', parent }, { signingKey })
    const stream = path.join(directory, `stream.${versionId}`)
    await fs.promises.writeFile(stream, readRenditionBytes(repository, rendition))
    const received = spawnSync('btrfs', ['receive', '-e', '-f', stream, receiver], { encoding: 'utf8' })
    assert.equal(received.status, 0, received.stderr)
    return { ...rendition, bytes: fs.statSync(stream).size }
  }

  fs.mkdirSync(source)
  makeNastyTree(source, 1)
  const first = await importDirectory(repository, source, { image: 'nasty', signingKey })
  const before = describeWithTools(source)
  changeNastyTree(source)
  const second = await importDirectory(repository, source, { image: 'nasty', signingKey })
  const after = describeWithTools(source)

  await t.test('whole', async () => {
    await receive(first.id)
    assertSameDescription(describeWithTools(path.join(receiver, first.id)), before)
  })
  await t.test('against its parent', async () => {
    const rendition = await receive(second.id, first.id)
    assertSameDescription(describeWithTools(path.join(receiver, second.id)), after)
    assert.equal(rendition.header.parent, first.id)
    assert.ok(rendition.bytes < 2_000_000, `the differential stream has ${rendition.bytes} bytes`)
  })
  await t.test('against its parent, when nothing but the times of the root changed in the root', async () => {
    const times = fs.statSync(source)
    fs.mkdirSync(path.join(source, 'links/new'))
    fs.utimesSync(source, times.atime, times.mtime)
    const next = await importDirectory(repository, source, { image: 'nasty', signingKey })
    await receive(next.id, second.id)
    const received = fs.statSync(path.join(receiver, next.id), { bigint: true })
    assert.equal(received.mtimeNs, fs.statSync(source, { bigint: true }).mtimeNs)
    assertSameDescription(describeWithTools(path.join(receiver, next.id)), describeWithTools(source))
  })
  await t.test('against its parent, when the store has lost its subvolumes', async () => {
    fs.rmSync(path.join(repository.directory, 'btrfs'), { recursive: true })
    fs.appendFileSync(path.join(source, 'links/a-then-linked'), 'more')
    const third = await importDirectory(repository, source, { image: 'nasty', signingKey })
    await receive(third.id, second.id)
    assertSameDescription(describeWithTools(path.join(receiver, third.id)), describeWithTools(source))
  })
})

test('ensureRendition() makes a small differential stream also when the newer version was sent whole first', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  fs.mkdirSync(source)
  fs.writeFileSync(path.join(source, 'large'), randomBytes(1_000_000))
  const first = await importDirectory(repository, source, { image: 'plain', signingKey })
  fs.writeFileSync(path.join(source, 'small'), 'new')
  const second = await importDirectory(repository, source, { image: 'plain', signingKey })
  const make = (parent?: string) => ensureRendition(repository, second.id, { name: 'btrfs', parent }, { signingKey })
  assert.ok((await make()).statement.sizeBytes > 1_000_000)
  assert.ok((await make(first.id)).statement.sizeBytes < 10_000)
})
