import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { importDirectory } from '../import-directory.ts'
import { skipsWithoutRoot, temporaryDirectory } from '../nasty-tree.fixture.ts'
import { readChunkIndex } from '../pack-index.ts'
import { bytesToFetchTree, bytesToFetchVolume } from '../renditions/bytes-to-fetch.ts'
import { ensureRendition } from '../renditions/ensure-rendition.ts'
import { StoredChunks } from '../renditions/stored-chunks.ts'
import { openRepository, readTree } from '../repository.ts'
import { openSigningKey } from '../signing-key.ts'
import { chunkBytes } from '../tree.ts'
import { DeltaReader } from './delta-reader.ts'
import { missingTreeRows, missingVolumeRows } from './delta-rows.ts'
import { readDelta } from './delta-store.ts'
import { ensureDelta } from './ensure-delta.ts'

/** A program of a package: of no use to compress, and in its next release nearly the same. */
const program = randomBytes(chunkBytes * 4 + 1000)

function makeRelease(directory: string, release: number): void {
  fs.rmSync(directory, { recursive: true, force: true })
  fs.mkdirSync(path.join(directory, `lib/modules/6.1.${release}`), { recursive: true })
  const at = (name: string) => path.join(directory, name)
  const changed = Buffer.concat([
    program.subarray(0, 300_000),
    Buffer.from(`release ${release}`),
    program.subarray(300_000),
  ])
  fs.writeFileSync(at('program'), changed)
  fs.writeFileSync(at(`lib/libx.so.1.${release}`), changed.subarray(100_000))
  for (let number = 0; number < 40; number++) {
    const module = Buffer.from(program.subarray(number * 5000, number * 5000 + 9000))
    module.write(`vermagic ${release}`, 100)
    fs.writeFileSync(at(`lib/modules/6.1.${release}/module${number}.ko`), module)
  }
}

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t)
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  const versions: string[] = []
  for (const release of [1, 2]) {
    makeRelease(path.join(directory, 'source'), release)
    versions.push((await importDirectory(repository, path.join(directory, 'source'), { image: 'x', signingKey })).id)
  }
  const [parent, version] = versions as [string, string]
  return { repository, signingKey, parent, version }
}

test('ensureDelta() makes a delta of trees that gives every chunk again from the old files', async (t) => {
  const { repository, parent, version } = await setUp(t)
  const delta = await ensureDelta(repository, { version, parent, name: 'tree' })
  const index = await readChunkIndex(repository.directory)
  await using stored = new StoredChunks(repository, index)
  const [have, want] = [await readTree(repository, parent), await readTree(repository, version)]
  await using reader = await DeltaReader.open(delta)
  let given = 0
  for (const { chunk, readBase } of missingTreeRows(have, want, stored)) {
    const id = want.chunks.ids.subarray(chunk * 32, chunk * 32 + 32)
    if (!reader.has(id)) continue
    assert.deepEqual(await reader.read(id, await readBase()), await stored.read(want.chunks, chunk))
    given++
  }
  assert.equal(given, delta.chunks.length)
  const whole = await bytesToFetchTree(have, want, { stored, index })
  const little = await bytesToFetchTree(have, want, { stored, index, delta })
  t.diagnostic(`tree: ${little.storedBytes} instead of ${whole.storedBytes} bytes`)
  assert.ok(whole.storedBytes > 500_000)
  assert.ok(little.storedBytes < 20_000)
})

test('ensureDelta() makes a delta of volumes that gives every row again from the rows around it', async (t) => {
  if (skipsWithoutRoot(t)) return
  const { repository, signingKey, parent, version } = await setUp(t)
  const subject = { version, parent, name: 'volume-ext4' }
  await assert.rejects(ensureDelta(repository, subject), {
    name: 'DeltaImpossible',
    message: /one of the two was not made/,
  })
  const volume = (id: string) => ensureRendition(repository, id, { name: 'volume', filesystem: 'ext4' }, { signingKey })
  const [have, want] = [(await volume(parent)).blocks, (await volume(version)).blocks]
  const delta = await ensureDelta(repository, subject)
  const index = await readChunkIndex(repository.directory)
  await using stored = new StoredChunks(repository, index)
  await using reader = await DeltaReader.open(delta)
  let given = 0
  for await (const { chunk, readBase } of missingVolumeRows(have, want, stored)) {
    const id = want.chunks.ids.subarray(chunk * 32, chunk * 32 + 32)
    if (!reader.has(id)) continue
    assert.deepEqual(await reader.read(id, await readBase()), await stored.read(want.chunks, chunk))
    given++
  }
  assert.equal(given, delta.chunks.length)
  const whole = await bytesToFetchVolume(have, want, { stored, index })
  const little = await bytesToFetchVolume(have, want, { stored, index, delta })
  t.diagnostic(`volume: ${little.storedBytes} instead of ${whole.storedBytes} bytes`)
  assert.ok(little.storedBytes < whole.storedBytes)
})

test('DeltaReader refuses another base, damaged data and a damaged index', async (t) => {
  const { repository, parent, version } = await setUp(t)
  const subject = { version, parent, name: 'tree' }
  const delta = await ensureDelta(repository, subject)
  const { id } = delta.chunks[0]!
  {
    await using reader = await DeltaReader.open(delta)
    await assert.rejects(reader.read(id, Buffer.alloc(1000, 1)), DecodeError)
    await assert.rejects(reader.read(id, Buffer.alloc(0)), DecodeError)
  }
  fs.truncateSync(path.join(delta.directory, 'data'), 20)
  await using reader = await DeltaReader.open(delta)
  await assert.rejects(reader.read(id, Buffer.alloc(0)), { name: 'DecodeError', message: /ends inside/ })
  fs.truncateSync(path.join(delta.directory, 'index'), 50)
  await assert.rejects(readDelta(repository, subject), { name: 'DecodeError', message: /cut short/ })
  assert.equal((await ensureDelta(repository, subject)).chunks.length, delta.chunks.length)
})
