import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { importDirectory } from '../import-directory.ts'
import { ImportSession } from '../import-session.ts'
import { temporaryDirectory } from '../nasty-tree.fixture.ts'
import { chunkKey, listPacks } from '../pack-index.ts'
import { removeVersion } from '../remove-version.ts'
import { listVersions, moveTag, openRepository, readTree } from '../repository.ts'
import { packFile, versionFile } from '../repository-layout.ts'
import { openSigningKey } from '../signing-key.ts'
import { RepositoryBusy } from '../store/file-lock.ts'
import { listHolds, RepositoryHold } from '../store/repository-hold.ts'
import { lockUpkeep } from '../store/repository-lock.ts'
import { NeedsUnknown } from './pack-needs.ts'
import { pruneRepository } from './prune-repository.ts'
import { verifyRepository } from './verify-repository.ts'

const fileBytes = 300_000

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const put = (names: string[], image = 'debian') => {
    for (const name of names) fs.writeFileSync(path.join(source, name), randomBytes(fileBytes))
    return importDirectory(repository, source, { image, signingKey })
  }
  const take = (id: string) => removeVersion(repository, 'debian', id, { withTags: true })
  return { directory, source, repository, signingKey, put, take }
}

test('pruneRepository() deletes nothing that a version needs', async (t) => {
  const { repository, put } = await setUp(t)
  await put(['a', 'b'])
  await put(['b'])
  const packs = await listPacks(repository.directory)
  const result = await pruneRepository(repository, { graceMs: 0 })
  assert.deepEqual(result.deleted, [])
  assert.equal(result.rewritten.length, 0)
  assert.deepEqual(await listPacks(repository.directory), packs)
  assert.ok((await verifyRepository(repository)).isWhole)
})

test('pruneRepository() copies what is needed of a pack before it goes', async (t) => {
  const { repository, put, take } = await setUp(t)
  const first = await put(['a', 'b', 'c'])
  const second = await put(['a', 'b'])
  await take(first.id)
  const result = await pruneRepository(repository, { graceMs: 0 })
  assert.equal(result.rewritten.length, 1)
  assert.deepEqual(result.deleted, result.rewritten)
  assert.equal(result.copiedBytes, fileBytes)
  assert.ok(result.totalBytes - result.neededBytes >= 2 * fileBytes)
  const report = await verifyRepository(repository)
  assert.ok(report.isWhole)
  assert.ok(report.bytesRead < result.neededBytes + 10_000)
  assert.deepEqual(
    (await listVersions(repository)).map(({ id }) => id),
    [second.id],
  )
})

test('pruneRepository() keeps a pack for the grace, so that a machine can fetch what it began with', async (t) => {
  const { repository, put, take } = await setUp(t)
  const { id } = await put(['a'])
  const [packId] = await listPacks(repository.directory)
  await put(['a'])
  await take(id)
  const graceMs = 60_000
  const result = await pruneRepository(repository, { graceMs })
  assert.deepEqual(result.deleted, [])
  assert.equal(result.waiting[0]?.packId, packId)
  assert.ok(result.waiting[0]!.deletableAt > Date.now())
  assert.ok(fs.existsSync(packFile(repository.directory, packId!)))
  assert.deepEqual((await pruneRepository(repository, { graceMs: 0 })).deleted, [
    { packId, sizeBytes: result.waiting[0]!.sizeBytes },
  ])
})

test('pruneRepository() waits for an import that may have found a chunk, and takes its pack back', async (t) => {
  const { repository, put, take, signingKey, source } = await setUp(t)
  const { id } = await put(['a'])
  const [packId] = await listPacks(repository.directory)
  // An import as it runs elsewhere, which has read what there is.
  await using session = await ImportSession.begin(repository)
  await take(id)
  const result = await pruneRepository(repository, { graceMs: 0 })
  assert.deepEqual(result.deleted, [])
  assert.equal(result.waiting[0]?.holds.length, 1)
  const bytes = fs.readFileSync(path.join(source, 'a'))
  let key = ''
  await session.chunks.add(Uint8Array.from(bytes.subarray(0, 262_144)), (chunkId) => {
    key = chunkKey(chunkId)
  })
  await session.seal()
  assert.equal(session.index.get(key)?.packId, packId, 'the chunk was found in the condemned pack')
  const table = { count: 1, ids: Buffer.from(key, 'latin1'), sizes: Uint32Array.of(262_144) }
  await session.publish(table, () => importedAgain(repository, source, signingKey))
  await session[Symbol.asyncDispose]()
  assert.deepEqual((await pruneRepository(repository, { graceMs: 0 })).deleted, [])
  assert.ok((await verifyRepository(repository)).isWhole)
})

/** What the import above would publish, from a repository of its own: the same tree has the same version. */
async function importedAgain(
  repository: { directory: string },
  source: string,
  signingKey: Parameters<typeof importDirectory>[2]['signingKey'],
) {
  const other = await openRepository(`${repository.directory}-other`)
  const { id } = await importDirectory(other, source, { image: 'debian', signingKey })
  const target = path.dirname(versionFile(repository.directory, id, 'manifest'))
  fs.cpSync(path.dirname(versionFile(other.directory, id, 'manifest')), target, { recursive: true })
  await moveTag(repository, 'debian', 'current', id)
}

test('pruneRepository() finds no chunk in a condemned pack: the next import brings its own', async (t) => {
  const { repository, put, take, source, signingKey } = await setUp(t)
  const { id } = await put(['a'])
  const [condemned] = await listPacks(repository.directory)
  await take(id)
  await pruneRepository(repository)
  const again = await importDirectory(repository, source, { image: 'debian', signingKey })
  assert.equal(again.id, id)
  assert.deepEqual(
    (await pruneRepository(repository, { graceMs: 0 })).deleted.map(({ packId }) => packId),
    // The same tree made the same pack, which is needed again.
    (await listPacks(repository.directory)).includes(condemned!) ? [] : [condemned],
  )
  assert.ok((await verifyRepository(repository)).isWhole)
})

test('pruneRepository() keeps a pack whose copy is the same pack', async (t) => {
  const { repository, put } = await setUp(t)
  await put(['a', 'b'])
  const packs = await listPacks(repository.directory)
  const result = await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0 })
  assert.equal(result.rewritten.length, 1)
  assert.deepEqual(result.deleted, [])
  assert.deepEqual(await listPacks(repository.directory), packs)
  assert.ok((await verifyRepository(repository)).isWhole)
})

test('pruneRepository() with dryRun says what it would do and changes nothing', async (t) => {
  const { repository, put, take } = await setUp(t)
  const first = await put(['a', 'b'])
  await put(['a'])
  await take(first.id)
  const packs = await listPacks(repository.directory)
  const result = await pruneRepository(repository, { graceMs: 0, dryRun: true })
  assert.equal(result.waiting.length, 1)
  assert.equal(result.rewritten.length, 1)
  assert.deepEqual(await listPacks(repository.directory), packs)
  assert.equal(fs.existsSync(path.join(repository.directory, 'condemned')), false)
})

test('pruneRepository() throws NeedsUnknown where a manifest cannot be read', async (t) => {
  const { repository, put } = await setUp(t)
  const { id } = await put(['a'])
  fs.writeFileSync(versionFile(repository.directory, id, 'manifest'), 'nonsense')
  const error = await pruneRepository(repository, { graceMs: 0 }).catch((thrown) => thrown)
  assert.ok(error instanceof NeedsUnknown)
  assert.deepEqual(error.contents, [{ version: id }])
  assert.equal((await listPacks(repository.directory)).length, 1)
})

test('pruneRepository() throws RepositoryBusy while another one runs', async (t) => {
  const { repository } = await setUp(t)
  await using _ = await lockUpkeep(repository, 'exclusive')
  await assert.rejects(pruneRepository(repository), RepositoryBusy)
})

test('pruneRepository() removes what killed writers left behind', async (t) => {
  const { repository, put } = await setUp(t)
  const { id } = await put(['a'])
  const old = versionFile(repository.directory, id, 'locations').replace('locations', '.locations.0123456789ab')
  fs.writeFileSync(old, '')
  fs.utimesSync(old, 1, 1)
  fs.writeFileSync(path.join(repository.directory, 'packs', `${'ab'.repeat(32)}.index`), '')
  fs.mkdirSync(path.join(repository.directory, 'staging', 'elsewhere.1.abcdef'))
  const { leftovers } = await pruneRepository(repository)
  assert.deepEqual(leftovers, [`packs/${'ab'.repeat(32)}.index`, `versions/${id}/.locations.0123456789ab`])
  assert.deepEqual(fs.readdirSync(path.join(repository.directory, 'staging')), [])
})

test('RepositoryHold.take() survives others who take its directory for an abandoned one', async (t) => {
  const { repository } = await setUp(t)
  const taken = await Promise.all(Array.from({ length: 8 }, () => RepositoryHold.take(repository)))
  assert.deepEqual((await listHolds(repository)).sort(), taken.map(({ name }) => name).sort())
  for (const hold of taken) await hold[Symbol.asyncDispose]()
  assert.deepEqual(fs.readdirSync(path.join(repository.directory, 'staging')), [])
})

test('imports, removals and prunes at once leave every version whole', async (t) => {
  const { directory, repository, signingKey } = await setUp(t)
  const stop = new AbortController()
  const pruning = (async () => {
    let count = 0
    for (; !stop.signal.aborted; count++) await pruneRepository(repository, { graceMs: 0, rewriteFrom: 0.1 })
    return count
  })()
  const shared = randomBytes(fileBytes)
  const importing = Array.from({ length: 3 }, async (_, lane) => {
    const source = path.join(directory, `source-${lane}`)
    fs.mkdirSync(source)
    const image = `image-${lane}`
    for (let round = 0; round < 5; round++) {
      fs.writeFileSync(path.join(source, 'shared'), shared)
      fs.writeFileSync(path.join(source, `own-${round % 3}`), randomBytes(fileBytes))
      const { parent } = await importDirectory(repository, source, { image, signingKey })
      if (parent !== undefined && round % 2 === 1) await removeVersion(repository, image, parent, { withTags: true })
    }
  })
  await Promise.all(importing)
  stop.abort()
  assert.ok((await pruning) > 1)
  const report = await verifyRepository(repository, { publicKeyPem: signingKey.publicKeyPem })
  assert.deepEqual(report.damages, [])
  assert.equal(report.versions, 9)
  for (const { id } of await listVersions(repository)) await readTree(repository, id)
})
