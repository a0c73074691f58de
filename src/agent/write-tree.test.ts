import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { importDirectory } from '../image/import-directory.ts'
import { ManifestInvalid } from '../image/manifest-open.ts'
import { describeWithTools, makeNastyTree, skipsWithoutRoot, temporaryDirectory } from '../image/nasty-tree.fixture.ts'
import { openRepository, type Repository, type Version } from '../image/repository.ts'
import { openSigningKey, type SigningKey } from '../image/signing-key.ts'
import { SignatureRefused } from '../image/statement.ts'
import { ChunkInvalid } from './chunk-invalid.ts'
import { VersionServer } from './version-server.fixture.ts'
import { TargetNotEmpty, writeTree } from './write-tree.ts'
import { FetchFailed } from './write-tree-source.ts'

type Setting = {
  directory: string
  repository: Repository
  key: SigningKey
  version: Version
  server: VersionServer
  options: Parameters<typeof writeTree>[0]
}

/** A repository with one version of what `fill` puts into a directory, served over HTTP, and an empty target. */
async function setUp(t: TestContext, fill: (source: string) => void): Promise<Setting> {
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  const targetDirectory = path.join(directory, 'target')
  fs.mkdirSync(source)
  fs.mkdirSync(targetDirectory)
  fill(source)
  const repository = await openRepository(path.join(directory, 'repository'))
  const key = await openSigningKey(path.join(directory, 'keys'))
  const version = await importDirectory(repository, source, { image: 'nasty', signingKey: key })
  const server = await new VersionServer(repository.directory).start()
  t.after(() => server.stop())
  const { baseUrl } = server
  const options = { baseUrl, image: 'nasty', version: version.id, imagePublicKey: key.publicKey, targetDirectory }
  return { directory, repository, key, version, server, options }
}

/** A tree of incompressible files: 8 MiB in several ranges. */
function fillPlain(source: string): void {
  let state = 1
  for (let number = 0; number < 8; number++) {
    const bytes = Buffer.alloc(1024 * 1024)
    for (let at = 0; at < bytes.length; at += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      bytes.writeInt32LE(state ^ (state >>> 13), at)
    }
    fs.writeFileSync(path.join(source, `file-${number}`), bytes)
  }
}

for (const seed of [1, 2, 3]) {
  test(`writeTree() makes a tree that no tool can tell from its source (seed ${seed})`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const { directory, repository, key, version, options } = await setUp(t, (source) => makeNastyTree(source, seed))
    const progress: number[] = []
    const result = await writeTree({ ...options, onProgress: ({ bytesDone }) => progress.push(bytesDone) })
    assert.equal(result.bytesWritten, version.sizeBytes)
    assert.equal(progress.at(-1), version.sizeBytes)
    assert.equal(describeWithTools(options.targetDirectory), describeWithTools(path.join(directory, 'source')))
    assert.ok(fs.statSync(path.join(options.targetDirectory, 'sparse/terabyte')).blocks < 4096)
    const again = await importDirectory(repository, options.targetDirectory, { image: 'again', signingKey: key })
    assert.equal(again.id, version.id)
  })
}

test('writeTree() goes on where it was when the server is killed and comes back', async (t) => {
  const { server, options, version } = await setUp(t, fillPlain)
  let packRequests = 0
  let restarted: Promise<unknown> | undefined
  server.interfere = async (request, response) => {
    if (!request.url?.startsWith('/packs/') || ++packRequests !== 2) return false
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    const length = Number(end) + 1 - Number(start)
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/*`, 'content-length': length })
    const packId = request.url.split('/')[2]!
    const half = await server.readPack(packId, Number(start), Math.floor((Number(end) - Number(start)) / 2))
    await new Promise((resolve) => response.write(half, resolve))
    restarted = server.stop().then(() => server.start())
    return true
  }
  const result = await writeTree(options)
  await restarted
  assert.ok(restarted, 'the server was never killed')
  assert.equal(result.bytesWritten, version.sizeBytes)
  assert.ok(
    result.bytesFetched < version.storedBytes * 1.25,
    `fetched ${result.bytesFetched} of ${version.storedBytes}`,
  )
})

test('writeTree() waits for a server that answers 503', async (t) => {
  const { server, options, version } = await setUp(t, fillPlain)
  let refusals = 3
  server.interfere = (_request, response) => {
    if (refusals-- <= 0) return false
    response.writeHead(503).end()
    return true
  }
  assert.equal((await writeTree(options)).bytesWritten, version.sizeBytes)
})

test('writeTree() gives up when nothing came for as long as it has patience', async (t) => {
  const { server, options } = await setUp(t, fillPlain)
  await server.stop()
  await assert.rejects(writeTree({ ...options, patienceMs: 300 }), (error) => {
    assert.ok(error instanceof FetchFailed)
    assert.match(error.message, /ECONNREFUSED/)
    return true
  })
  await server.start()
})

test('writeTree() says at once when the server has no such version', async (t) => {
  const { server, options } = await setUp(t, fillPlain)
  await assert.rejects(writeTree({ ...options, version: 'f'.repeat(64) }), (error) => {
    assert.ok(error instanceof FetchFailed)
    assert.equal(error.status, 404)
    return true
  })
  assert.equal(new Set(server.requests).size, server.requests.length, server.requests.join(', '))
})

test('writeTree() ends when it is aborted', async (t) => {
  const { server, options } = await setUp(t, fillPlain)
  const abort = new AbortController()
  server.interfere = (request) => {
    if (request.url?.startsWith('/packs/')) abort.abort(new Error('enough'))
    return false
  }
  await assert.rejects(writeTree({ ...options, signal: abort.signal }), /enough|aborted|closed/)
})

/** Answers pack requests with one byte changed, as often as `times`. */
function spoil(server: VersionServer, times: number): void {
  let left = times
  server.interfere = async (request, response) => {
    const [, packId, start, end] =
      /^(\w+) bytes=(\d+)-(\d+)/.exec(`${request.url?.split('/')[2]} ${request.headers.range}`) ?? []
    if (!request.url?.startsWith('/packs/') || left-- <= 0) return false
    const bytes = await server.readPack(packId!, Number(start), Number(end) + 1 - Number(start))
    bytes[bytes.length >> 1]! ^= 1
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/*`, 'content-length': bytes.length }).end(bytes)
    return true
  }
}

test('writeTree() fetches a chunk that came wrong once again', async (t) => {
  const { server, options, version } = await setUp(t, fillPlain)
  spoil(server, 1)
  assert.equal((await writeTree(options)).bytesWritten, version.sizeBytes)
})

test('writeTree() names the chunk, the path and the pack of what comes wrong twice', async (t) => {
  const { server, options } = await setUp(t, fillPlain)
  spoil(server, Number.POSITIVE_INFINITY)
  await assert.rejects(writeTree(options), (error) => {
    assert.ok(error instanceof ChunkInvalid)
    assert.match(error.message, /^Cannot use chunk [0-9a-f]{64} of file-\d from pack [0-9a-f]{64}: fetched twice/)
    return true
  })
})

/** Answers /images/VERSION/NAME with other bytes. */
function replace(server: VersionServer, name: string, bytes: (was: Buffer) => Buffer, file: string): void {
  server.interfere = (request, response) => {
    if (!request.url?.endsWith(`/${name}`)) return false
    response.end(bytes(fs.readFileSync(file)))
    return true
  }
}

test('writeTree() refuses a manifest that was changed', async (t) => {
  const other = await setUp(t, (source) => fs.writeFileSync(path.join(source, 'a'), 'another tree'))
  const { server, options } = await setUp(t, fillPlain)
  const otherFile = path.join(other.repository.directory, 'versions', other.version.id, 'manifest')
  replace(server, 'manifest', (bytes) => bytes, otherFile)
  await assert.rejects(writeTree(options), ManifestInvalid)
  replace(server, 'manifest', (bytes) => bytes.subarray(0, 100), otherFile)
  await assert.rejects(writeTree(options), { name: 'DecodeError' })
  assert.deepEqual(fs.readdirSync(options.targetDirectory), [])
})

test('writeTree() refuses another key, and a version of another image', async (t) => {
  const { directory, options } = await setUp(t, fillPlain)
  const stranger = await openSigningKey(path.join(directory, 'other-keys'))
  await assert.rejects(writeTree({ ...options, imagePublicKey: stranger.publicKey }), SignatureRefused)
  await assert.rejects(writeTree({ ...options, image: 'other' }), (error) => {
    assert.ok(error instanceof SignatureRefused)
    assert.match(error.message, /of image other: what is signed is version [0-9a-f]{64} of image nasty/)
    return true
  })
})

test('writeTree() refuses locations that lie', async (t) => {
  const { server, options, repository, version } = await setUp(t, fillPlain)
  const file = path.join(repository.directory, 'versions', version.id, 'locations')
  replace(server, 'locations', (bytes) => Buffer.from(bytes.toString().replace(/\[0,/, '[1,')), file)
  await assert.rejects(writeTree(options), { name: 'DecodeError' })
  replace(server, 'locations', (bytes) => Buffer.from(bytes.toString().replace(/\[0,\d+,/, '[0,99999999,')), file)
  await assert.rejects(writeTree({ ...options, patienceMs: 100 }))
})

test('writeTree() does not write where something is already', async (t) => {
  const { options } = await setUp(t, fillPlain)
  fs.symlinkSync('/', path.join(options.targetDirectory, 'file-0'))
  await assert.rejects(writeTree(options), TargetNotEmpty)
})
