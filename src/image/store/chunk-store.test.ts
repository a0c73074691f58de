import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { answerForwarded } from '../../content/answer-forwarded.ts'
import { serveContent } from '../../content/server.ts'
import { importDirectory } from '../import-directory.ts'
import { ChunkMissing } from '../locations.ts'
import { temporaryDirectory } from '../nasty-tree.fixture.ts'
import { ChunkInvalid } from '../open-chunk.ts'
import { listPacks, readChunkIndex } from '../pack-index.ts'
import { removeVersion } from '../remove-version.ts'
import { openRepository, type Repository, readTree, type Version } from '../repository.ts'
import { packFile } from '../repository-layout.ts'
import { openSigningKey } from '../signing-key.ts'
import { chunkIdOfRow } from '../tree.ts'
import { type PruneStore, type ReadStore, StoreUnreachable, type WriteStore } from './chunk-store.ts'
import { DirectoryStore } from './directory-store.ts'
import { HttpStore } from './http-store.ts'
import { openReadStore } from './open-store.ts'
import { TreeStore } from './tree-store.ts'

type Place = { directory: string; source: string; repository: Repository; version: Version; chunkIds: string[] }
type Implementation = { name: string; keepsFiles: boolean; open(t: TestContext, place: Place): Promise<ReadStore> }

const readable: Implementation[] = [
  { name: 'DirectoryStore', keepsFiles: true, open: async (_, { repository }) => new DirectoryStore(repository) },
  { name: 'HttpStore', keepsFiles: true, open: async (t, { repository }) => new HttpStore(await serve(t, repository)) },
  {
    name: 'TreeStore',
    keepsFiles: false,
    open: async (_, { source, repository }) => new TreeStore(source, repository),
  },
]
const writable: { name: string; open(repository: Repository): WriteStore & PruneStore }[] = [
  { name: 'DirectoryStore', open: (repository) => new DirectoryStore(repository) },
]

async function setUp(t: TestContext): Promise<Place> {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  fs.mkdirSync(path.join(source, 'small'), { recursive: true })
  for (let n = 0; n < 20; n++) fs.writeFileSync(path.join(source, 'small', `${n}`), randomBytes(n * 3000))
  fs.writeFileSync(path.join(source, 'large'), randomBytes(1_000_000))
  fs.writeFileSync(path.join(source, 'sparse'), 'x')
  fs.truncateSync(path.join(source, 'sparse'), 700_000)
  fs.writeFileSync(path.join(source, 'text'), 'compresses well '.repeat(5000))
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDirectory(repository, source, { image: 'debian', signingKey })
  const { chunks } = await readTree(repository, version.id)
  const chunkIds = Array.from({ length: chunks.count }, (_, row) => chunkIdOfRow(chunks, row))
  return { directory, source, repository, version, chunkIds }
}

/** The boot plane's own listener on the repository. */
async function serve(t: TestContext, { directory }: Repository): Promise<string> {
  const stop = new AbortController()
  const listening = Promise.withResolvers<number>()
  const { port1, port2 } = new MessageChannel()
  answerForwarded(port1, async () => ({ status: 404, headers: {}, body: Buffer.alloc(0) }), assert.ifError)
  const ended = serveContent({
    address: '127.0.0.1',
    port: 0,
    tree: [],
    imageDirectory: directory,
    forward: port2,
    onListening: listening.resolve,
    onFault: assert.ifError,
    signal: stop.signal,
  })
  t.after(async () => {
    stop.abort()
    await ended
    port1.close()
  })
  return `http://127.0.0.1:${await listening.promise}`
}

for (const { name, open, keepsFiles } of readable) {
  test(`${name}.readChunk() gives every chunk of a version`, async (t) => {
    const place = await setUp(t)
    await using store = await open(t, place)
    for (const id of place.chunkIds) {
      const bytes = await store.readChunk(id, [{ version: place.version.id }])
      assert.equal(hash('sha256', bytes, 'hex'), id)
    }
  })

  test(`${name}.readChunk() throws ChunkMissing, with the id, for a chunk it does not have`, async (t) => {
    const place = await setUp(t)
    await using store = await open(t, place)
    const id = 'ab'.repeat(32)
    const error = await store.readChunk(id, [{ version: place.version.id }]).catch((thrown) => thrown)
    assert.ok(error instanceof ChunkMissing)
    assert.equal(error.chunkId, id)
    assert.ok(error.message.includes(store.origin))
  })

  test(`${name}.readChunk() never gives bytes with another hash`, async (t) => {
    const place = await setUp(t)
    spoil(place)
    await using store = await open(t, place)
    const outcomes = await Promise.allSettled(
      place.chunkIds.map((id) => store.readChunk(id, [{ version: place.version.id }])),
    )
    const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    assert.equal(faults.length, 1)
    assert.ok(faults[0] instanceof ChunkInvalid || faults[0] instanceof ChunkMissing)
    assert.ok(place.chunkIds.includes(faults[0].chunkId))
  })

  test(`${name}.readFile() gives files as they are stored, and undefined for what is not there`, async (t) => {
    const place = await setUp(t)
    await using store = await open(t, place)
    const directory = path.join(place.repository.directory, 'versions', place.version.id)
    for (const file of ['manifest', 'signatures', 'locations'] as const) {
      const bytes = await store.readFile({ version: place.version.id }, file)
      if (keepsFiles) assert.deepEqual(bytes, fs.readFileSync(path.join(directory, file)))
      else assert.equal(bytes, undefined)
    }
    assert.equal(await store.readFile({ version: 'cd'.repeat(32) }, 'manifest'), undefined)
  })
}

for (const { name, open } of writable) {
  test(`${name}.writeChunks() keeps a chunk once, and readChunk() gives it`, async (t) => {
    const repository = await openRepository(path.join(temporaryDirectory(t), 'repository'))
    await using store = open(repository)
    const chunks = [randomBytes(1000), Buffer.from('again and '.repeat(100)), randomBytes(200_000)]
    const ids = await store.writeChunks(chunks)
    assert.deepEqual(
      ids,
      chunks.map((bytes) => hash('sha256', bytes, 'hex')),
    )
    for (const [at, id] of ids.entries()) assert.deepEqual(await store.readChunk(id, []), chunks[at])
    const packs = await listPacks(repository.directory)
    assert.deepEqual(await store.writeChunks(chunks), ids)
    assert.deepEqual(await listPacks(repository.directory), packs)
  })

  test(`${name}.prune() removes chunks that no version needs, and no others`, async (t) => {
    const { repository, version, chunkIds } = await setUp(t)
    await using store = open(repository)
    const [unneeded] = await store.writeChunks([randomBytes(5000)])
    await store.prune({ graceMs: 0 })
    await assert.rejects(store.readChunk(unneeded!, []), ChunkMissing)
    for (const id of chunkIds) assert.ok(await store.readChunk(id, [{ version: version.id }]))
  })
}

test('HttpStore says which server does not answer', async () => {
  await using store = new HttpStore('http://127.0.0.1:1')
  const error = await store.readFile({ version: 'ab'.repeat(32) }, 'manifest').catch((thrown) => thrown)
  assert.ok(error instanceof StoreUnreachable)
  assert.equal(error.origin, 'http://127.0.0.1:1/')
  assert.match(error.message, /ECONNREFUSED|bad port/)
})

test('openReadStore() tells a server, a repository and a tree of files apart', async (t) => {
  const { source, repository } = await setUp(t)
  assert.ok((await openReadStore('http://images.example', repository)) instanceof HttpStore)
  assert.ok((await openReadStore(repository.directory, repository)) instanceof DirectoryStore)
  assert.ok((await openReadStore(source, repository)) instanceof TreeStore)
  await assert.rejects(openReadStore(path.join(source, 'nothing'), repository), StoreUnreachable)
})

test('HttpStore finds chunks again that a prune moved', async (t) => {
  const place = await setUp(t)
  await using store = new HttpStore(await serve(t, place.repository))
  const holders = [{ version: place.version.id }]
  await store.readChunk(place.chunkIds[0]!, holders)
  const before = await listPacks(place.repository.directory)
  // A version with other files removed: what is left of its pack is copied.
  fs.rmSync(path.join(place.source, 'large'))
  const signingKey = await openSigningKey(path.join(place.directory, 'keys'))
  const next = await importDirectory(place.repository, place.source, { image: 'debian', signingKey })
  const { chunks } = await readTree(place.repository, next.id)
  await store.readChunk(chunkIdOfRow(chunks, 0), [{ version: next.id }])
  await removeVersion(place.repository, 'debian', place.version.id, { withTags: true })
  await using directory = new DirectoryStore(place.repository)
  await directory.prune({ graceMs: 0 })
  assert.notDeepEqual(await listPacks(place.repository.directory), before)
  for (let row = 0; row < chunks.count; row++) {
    assert.ok(await store.readChunk(chunkIdOfRow(chunks, row), [{ version: next.id }]))
  }
})

/** One byte of one chunk, in the packs and in the files it came from. */
function spoil({ repository, source, chunkIds }: Place): void {
  const file = path.join(source, 'large')
  const bytes = fs.readFileSync(file)
  bytes[300_000]! ^= 1
  fs.writeFileSync(file, bytes)
  spoilPacks(repository, chunkIds)
}

function spoilPacks({ directory }: Repository, chunkIds: readonly string[]): void {
  const [packId] = fs
    .readdirSync(path.join(directory, 'packs'))
    .filter((name) => name.endsWith('.pack'))
    .map((name) => name.slice(0, -'.pack'.length))
  const file = packFile(directory, packId!)
  const bytes = fs.readFileSync(file)
  assert.ok(chunkIds.length > 4)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  fs.writeFileSync(file, bytes)
}

test('readChunkIndex() leaves out a pack that cannot be read as one', async (t) => {
  const { repository } = await setUp(t)
  const [packId] = await listPacks(repository.directory)
  fs.writeFileSync(packFile(repository.directory, packId!), 'no pack')
  fs.rmSync(path.join(repository.directory, 'packs', `${packId}.index`))
  assert.equal((await readChunkIndex(repository.directory)).size, 0)
})
