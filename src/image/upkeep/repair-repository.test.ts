import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { importDirectory } from '../import-directory.ts'
import { temporaryDirectory } from '../nasty-tree.fixture.ts'
import { magicBytes } from '../pack-format.ts'
import { listPacks } from '../pack-index.ts'
import { openRepository } from '../repository.ts'
import { packFile, packIndexFile, versionFile } from '../repository-layout.ts'
import { openSigningKey } from '../signing-key.ts'
import { readCondemned, writeCondemned } from '../store/condemned-packs.ts'
import { DirectoryStore } from '../store/directory-store.ts'
import { HttpStore } from '../store/http-store.ts'
import { TreeStore } from '../store/tree-store.ts'
import { pruneRepository } from './prune-repository.ts'
import { repairRepository } from './repair-repository.ts'
import { verifyRepository } from './verify-repository.ts'

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  for (const name of ['a', 'b']) fs.writeFileSync(path.join(source, name), randomBytes(300_000))
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const put = () => importDirectory(repository, source, { image: 'debian', signingKey })
  const { id } = await put()
  const [packId] = await listPacks(repository.directory)
  const pack = packFile(repository.directory, packId!)
  const flip = (at: number) => {
    const bytes = fs.readFileSync(pack)
    bytes[at]! ^= 1
    fs.writeFileSync(pack, bytes)
  }
  return { directory, source, repository, signingKey, put, id, packId: packId!, pack, flip }
}

test('repairRepository() makes a pack whole whose record header alone is damaged', async (t) => {
  const { repository, flip, pack } = await setUp(t)
  const before = fs.readFileSync(pack)
  flip(magicBytes + 33)
  const result = await repairRepository(repository)
  assert.deepEqual(
    result.before.damages.map(({ kind, breaks }) => [kind, breaks]),
    [['pack-damaged', []]],
  )
  assert.ok(result.after.isWhole)
  assert.deepEqual(fs.readFileSync(pack), before)
  assert.equal((await readCondemned(repository.directory)).size, 0)
})

test('importing again after repairRepository() brings back what no source had', async (t) => {
  const { repository, flip, put, id } = await setUp(t)
  flip(100_000)
  const { before, after } = await repairRepository(repository)
  assert.equal(before.damages[0]?.chunks.length, 1)
  assert.deepEqual(before.damages[0].breaks, [{ version: id, images: ['debian'] }])
  assert.equal(after.isWhole, false)
  assert.equal((await put()).id, id)
  assert.ok((await verifyRepository(repository)).isWhole)
})

test('repairRepository() takes chunks from the files, and says which source cannot be asked', async (t) => {
  const { repository, source, flip } = await setUp(t)
  flip(100_000)
  const sources = [new HttpStore('http://127.0.0.1:1'), new TreeStore(source, repository)]
  const { after, repairs, unreachable } = await repairRepository(repository, { sources })
  assert.ok(after.isWhole)
  assert.deepEqual(unreachable, ['http://127.0.0.1:1/'])
  assert.ok(repairs.some(({ how }) => how === `1 chunks taken from ${source}`))
})

test('repairRepository() believes no source that gives something else', async (t) => {
  const { directory, repository, id, flip } = await setUp(t)
  const mirror = path.join(directory, 'mirror')
  flip(100_000)
  fs.cpSync(repository.directory, mirror, { recursive: true })
  fs.rmSync(versionFile(repository.directory, id, 'manifest'))
  fs.writeFileSync(versionFile(mirror, id, 'manifest'), 'another')
  const { after } = await repairRepository(repository, { sources: [new DirectoryStore({ directory: mirror })] })
  assert.ok(after.damages.some(({ kind }) => kind === 'manifest-missing'))
})

test('repairRepository() makes locations again that name other places', async (t) => {
  const { repository, id } = await setUp(t)
  const file = versionFile(repository.directory, id, 'locations')
  const right = fs.readFileSync(file, 'utf8')
  fs.writeFileSync(file, right.replace('[[0,64,', '[[0,65,'))
  const { before, after } = await repairRepository(repository)
  assert.deepEqual(
    before.damages.map(({ kind, repair }) => [kind, repair]),
    [['locations-outdated', 'here']],
  )
  assert.ok(after.isWhole)
  assert.equal(fs.readFileSync(file, 'utf8'), right)
})

test('pruneRepository() keeps a damaged pack that may hold the only copy of a chunk', async (t) => {
  const { repository, pack, packId, flip } = await setUp(t)
  const whole = fs.readFileSync(pack)
  flip(100_000)
  await repairRepository(repository)
  const { keptDamaged, deleted } = await pruneRepository(repository, { graceMs: 0 })
  assert.deepEqual([keptDamaged.map((kept) => kept.packId), deleted], [[packId], []])
  // The disk was read wrongly: now it is right again.
  fs.writeFileSync(pack, whole)
  const { after } = await repairRepository(repository)
  assert.ok(after.isWhole)
  assert.deepEqual((await pruneRepository(repository, { graceMs: 0 })).keptDamaged, [])
  assert.ok((await verifyRepository(repository)).isWhole)
})

test('repairRepository() goes on where one was killed after it condemned a pack', async (t) => {
  const { repository, packId } = await setUp(t)
  await writeCondemned(repository.directory, new Map([[packId, { since: 1, reason: 'damaged', holds: [] }]]))
  const { before, after } = await repairRepository(repository)
  assert.equal(before.damages[0]?.kind, 'pack-damaged')
  assert.ok(after.isWhole)
  assert.equal(fs.existsSync(packIndexFile(repository.directory, packId)), true)
})

test('verifyRepository() changes nothing', async (t) => {
  const { repository, flip, packId } = await setUp(t)
  flip(100_000)
  fs.rmSync(packIndexFile(repository.directory, packId))
  const names = () => fs.readdirSync(repository.directory, { recursive: true }).filter((name) => name !== 'upkeep.lock')
  const before = names()
  assert.equal((await verifyRepository(repository)).isWhole, false)
  assert.deepEqual(names(), before)
})
