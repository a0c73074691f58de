import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test, { type TestContext } from 'node:test'
import { importDirectory } from '../import-directory.ts'
import { temporaryDirectory } from '../nasty-tree.fixture.ts'
import { openRepository } from '../repository.ts'
import { openSigningKey } from '../signing-key.ts'
import { chunkBytes } from '../tree.ts'
import { fullMask, measureMap } from './block-map.ts'
import { ensureRendition } from './ensure-rendition.ts'
import { importDisk } from './import-disk.ts'
import { readRenditionBytes } from './read-bytes.ts'

async function setUp(t: TestContext) {
  const directory = temporaryDirectory(t)
  return {
    directory,
    repository: await openRepository(path.join(directory, 'repository')),
    signingKey: await openSigningKey(path.join(directory, 'keys')),
  }
}

/** A disk with data at its start, across a border of the grid, and in its last sector. */
function makeDisk(file: string): void {
  const fd = fs.openSync(file, 'w')
  fs.ftruncateSync(fd, chunkBytes * 400 + 512 * 3)
  fs.writeSync(fd, randomBytes(100_000), 0, 100_000, 0)
  fs.writeSync(fd, randomBytes(chunkBytes), 0, chunkBytes, chunkBytes * 7 + 4096)
  fs.writeSync(fd, randomBytes(512), 0, 512, chunkBytes * 400 + 512 * 2)
  fs.closeSync(fd)
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('importDisk() and the disk rendition keep a whole disk bit by bit, raw or qcow2', async (t) => {
  const { directory, repository, signingKey } = await setUp(t)
  const raw = path.join(directory, 'disk')
  makeDisk(raw)
  const version = await importDisk(repository, raw, { image: 'appliance', signingKey })
  const rendition = await ensureRendition(repository, version.id, { name: 'disk' }, { signingKey })
  const parts: Buffer[] = []
  for await (const part of readRenditionBytes(repository, rendition)) parts.push(part)
  assert.equal(sha256(Buffer.concat(parts)), sha256(fs.readFileSync(raw)))
  assert.equal(
    rendition.blocks.used.every((mask, row) => mask === fullMask(rendition.blocks.sizeBytes, row)),
    true,
  )
  assert.equal(rendition.blocks.chunks.count, 4)
  assert.equal(measureMap(rendition.blocks).zeroBytes > chunkBytes * 390, true)

  for (const compression of [[], ['-c']]) {
    const qcow2 = path.join(directory, `disk${compression.length}.qcow2`)
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...compression, raw, qcow2])
    assert.equal((await importDisk(repository, qcow2, { image: 'appliance', signingKey })).id, version.id)
  }
  assert.deepEqual(fs.readdirSync(path.join(repository.directory, 'staging')), [])
})

test('importDisk() refuses by name what is no whole disk', async (t) => {
  const { directory, repository, signingKey } = await setUp(t)
  const refuse = async (file: string, message: RegExp) => {
    const imported = importDisk(repository, path.join(directory, file), { image: 'appliance', signingKey })
    await assert.rejects(imported, { name: 'ImageSourceInvalid', message })
  }
  makeDisk(path.join(directory, 'base'))
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', 'base', 'overlay.qcow2'], {
    cwd: directory,
  })
  await refuse('overlay.qcow2', /needs another file/)
  fs.writeFileSync(path.join(directory, 'small'), Buffer.alloc(4096, 1))
  await refuse('small', /4096 bytes are no disk/)
  await refuse('missing', /missing/)
})

test('ensureRendition() refuses the disk of a version that is none', async (t) => {
  const { directory, repository, signingKey } = await setUp(t)
  fs.mkdirSync(path.join(directory, 'source'))
  const { id } = await importDirectory(repository, path.join(directory, 'source'), { image: 'empty', signingKey })
  const made = ensureRendition(repository, id, { name: 'disk' }, { signingKey })
  await assert.rejects(made, { name: 'RenditionImpossible', message: /not imported as a whole disk/ })
  const unknown = ensureRendition(repository, '0'.repeat(64), { name: 'disk' }, { signingKey })
  await assert.rejects(unknown, { name: 'RenditionImpossible', message: /no such version/ })
})
