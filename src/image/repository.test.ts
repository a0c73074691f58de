import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { importDirectory } from './import-directory.ts'
import { openManifest } from './manifest-open.ts'
import { temporaryDirectory } from './nasty-tree.fixture.ts'
import { listPacks, readChunkIndex, scanPack } from './pack-index.ts'
import { ReferenceUnknown, resolveReference } from './reference.ts'
import { listImages, listVersions, moveTag, openRepository, readTags } from './repository.ts'
import { packFile, packIndexFile, versionFile } from './repository-layout.ts'
import { KeyUnusable, loadSigningKey, openSigningKey } from './signing-key.ts'
import { SignatureRefused } from './statement.ts'

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(source)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const put = (image: string, content: string, more = {}) => {
    fs.writeFileSync(path.join(source, 'file'), content)
    fs.utimesSync(path.join(source, 'file'), 1, 1)
    fs.utimesSync(source, 1, 1)
    return importDirectory(repository, source, { image, signingKey, ...more })
  }
  return { directory, repository, signingKey, put }
}

test('importing moves current and previous', async (t) => {
  const { repository, put } = await setUp(t)
  const first = await put('debian', 'one')
  assert.deepEqual(first.tags, ['current'])
  const second = await put('debian', 'two', { comment: 'the second', recipeHash: 'abc' })
  assert.equal(second.parent, first.id)
  assert.equal(second.comment, 'the second')
  assert.deepEqual(Object.fromEntries(await readTags(repository, 'debian')), { current: second.id, previous: first.id })
  await moveTag(repository, 'debian', 'current', first.id)
  assert.equal((await resolveReference(repository, 'debian')).id, first.id)
})

test('importing the same tree again changes nothing', async (t) => {
  const { repository, put } = await setUp(t)
  const first = await put('debian', 'one')
  const packs = await listPacks(repository.directory)
  assert.deepEqual(await put('debian', 'one'), first)
  assert.deepEqual(await listPacks(repository.directory), packs)
  assert.deepEqual([...(await readTags(repository, 'debian')).keys()], ['current'])
})

test('one tree can be a version of two images, each signed for itself', async (t) => {
  const { repository, signingKey, put } = await setUp(t)
  const { id } = await put('debian', 'one')
  const other = await put('web', 'one')
  assert.equal(other.id, id)
  assert.deepEqual(await listImages(repository), ['debian', 'web'])
  const manifest = fs.readFileSync(versionFile(repository.directory, id, 'manifest'))
  const signatures = fs.readFileSync(versionFile(repository.directory, id, 'signatures'))
  for (const image of ['debian', 'web']) {
    assert.equal(
      openManifest(manifest, signatures, signingKey.publicKey, { version: id, image }).statement.image,
      image,
    )
  }
  const stranger = { version: id, image: 'mail' }
  assert.throws(() => openManifest(manifest, signatures, signingKey.publicKey, stranger), SignatureRefused)
  const forged = Buffer.from(signatures.toString().replaceAll('debian', 'mail'))
  assert.throws(() => openManifest(manifest, forged, signingKey.publicKey, stranger), SignatureRefused)
})

test('a version is signed again when its key was replaced', async (t) => {
  const { directory, repository, put } = await setUp(t)
  const { id } = await put('debian', 'one')
  const signingKey = await openSigningKey(path.join(directory, 'new-keys'))
  await put('debian', 'one', { signingKey })
  const [manifest, signatures] = (['manifest', 'signatures'] as const).map((name) =>
    fs.readFileSync(versionFile(repository.directory, id, name)),
  )
  openManifest(manifest!, signatures!, signingKey.publicKey, { version: id, image: 'debian' })
  assert.equal((await listVersions(repository)).length, 1)
})

test('resolveReference() knows tags and prefixes, and says what there is', async (t) => {
  const { repository, put } = await setUp(t)
  const nothing = await resolveReference(repository, 'debian').catch((error) => error)
  assert.ok(nothing instanceof ReferenceUnknown)
  assert.match(nothing.message, /no image is imported yet/)
  const { id } = await put('debian', 'one')
  for (const reference of ['debian', 'debian:current', `debian@${id}`, `debian@${id.slice(0, 6)}`]) {
    assert.equal((await resolveReference(repository, reference)).id, id)
  }
  await assert.rejects(resolveReference(repository, 'debian:stable'), /its tags are current/)
  await assert.rejects(resolveReference(repository, 'ubuntu'), /the images are debian/)
  await assert.rejects(resolveReference(repository, 'debian@abc'), /at least 4 digits/)
  await assert.rejects(
    resolveReference(repository, `debian@${id.startsWith('0000') ? '1111' : '0000'}`),
    /no version starts so/,
  )
  await assert.rejects(resolveReference(repository, '../debian'), DecodeError)
  await assert.rejects(resolveReference(repository, 'debian:../x'), DecodeError)
})

test('readChunkIndex() makes a lost or damaged index again from its pack', async (t) => {
  const { repository, put } = await setUp(t)
  await put('debian', 'one')
  const [packId] = await listPacks(repository.directory)
  const indexFile = packIndexFile(repository.directory, packId!)
  const expected = await readChunkIndex(repository.directory)
  const bytes = fs.readFileSync(indexFile)
  fs.rmSync(indexFile)
  assert.deepEqual(await readChunkIndex(repository.directory), expected)
  assert.deepEqual(fs.readFileSync(indexFile), bytes)
  fs.writeFileSync(indexFile, bytes.subarray(0, -1))
  assert.deepEqual(await readChunkIndex(repository.directory), expected)
  assert.deepEqual(fs.readFileSync(indexFile), bytes)
})

test('scanPack() says DecodeError wherever a pack is cut inside a record', async (t) => {
  const { directory, repository, put } = await setUp(t)
  await put('debian', 'some content of a file')
  const [packId] = await listPacks(repository.directory)
  const bytes = fs.readFileSync(packFile(repository.directory, packId!))
  const cut = path.join(directory, 'cut.pack')
  for (let length = 0; length < bytes.length; length++) {
    fs.writeFileSync(cut, bytes.subarray(0, length))
    if (length === 16) assert.deepEqual(await scanPack(cut), [])
    else await assert.rejects(scanPack(cut), DecodeError, `cut at ${length}`)
  }
})

test('openSigningKey() makes one key for all who ask at once, for its owner only', async (t) => {
  const keys = path.join(temporaryDirectory(t), 'keys')
  assert.equal(await loadSigningKey(keys), undefined)
  const pems = (await Promise.all(Array.from({ length: 5 }, () => openSigningKey(keys)))).map((key) => key.publicKeyPem)
  assert.equal(new Set(pems).size, 1)
  assert.equal(fs.statSync(path.join(keys, 'image.key')).mode & 0o777, 0o600)
  assert.equal(fs.readFileSync(path.join(keys, 'image.pub'), 'utf8'), pems[0])
  fs.writeFileSync(path.join(keys, 'image.key'), 'nonsense')
  await assert.rejects(openSigningKey(keys), KeyUnusable)
})
