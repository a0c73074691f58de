import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import test from 'node:test'
import { importDirectory } from '../import-directory.ts'
import { describeWithTools, makeNastyTree, skipsWithoutRoot, temporaryDirectory } from '../nasty-tree.fixture.ts'
import { readChunkIndex } from '../pack-index.ts'
import { openRepository, type Repository, readTree } from '../repository.ts'
import { openSigningKey } from '../signing-key.ts'
import { chunkBytes } from '../tree.ts'
import { type BlockMap, blockBytes, blocksPerRow, measureMap } from './block-map.ts'
import { bytesToFetchVolume } from './bytes-to-fetch.ts'
import { assertSameDescription, changeNastyTree } from './changed-tree.fixture.ts'
import { ensureRendition } from './ensure-rendition.ts'
import { LoopMount } from './loop-mount.ts'
import { volumeFilesystems } from './rendition-name.ts'
import { StoredChunks } from './stored-chunks.ts'

/**
 * Writes a volume as a machine does, onto a disk on which somebody else's bytes are: blocks that matter and nothing
 * else. What nobody cares about stays garbage.
 */
async function layOntoGarbage(repository: Repository, blocks: BlockMap, file: string): Promise<void> {
  await using stored = new StoredChunks(repository, await readChunkIndex(repository.directory))
  const garbage = randomBytes(chunkBytes)
  const fd = fs.openSync(file, 'w')
  for (let row = 0; row < blocks.used.length; row++) {
    const bytes = Buffer.from(garbage.subarray(0, Math.min(chunkBytes, blocks.sizeBytes - row * chunkBytes)))
    const chunk = blocks.chunkOfRow[row]!
    const data = chunk < 0 ? Buffer.alloc(bytes.length) : await stored.read(blocks.chunks, chunk)
    for (let block = 0; block < blocksPerRow; block++) {
      if (((blocks.used[row]! >> BigInt(block)) & 1n) === 0n) continue
      data.copy(bytes, block * blockBytes, block * blockBytes, (block + 1) * blockBytes)
    }
    fs.writeSync(fd, bytes)
  }
  fs.closeSync(fd)
}

const checks = {
  ext4: ['e2fsck', '-fn'],
  xfs: ['xfs_repair', '-nf'],
  btrfs: ['btrfs', 'check', '--readonly', '--check-data-csum'],
} as const
const mountOptions = { ext4: 'errors=remount-ro', xfs: 'nouuid', btrfs: 'nodiscard' } as const

for (const filesystem of volumeFilesystems) {
  test(`ensureRendition() makes a ${filesystem} volume of which every block that matters is told`, async (t) => {
    if (skipsWithoutRoot(t)) return
    const directory = temporaryDirectory(t)
    const source = path.join(directory, 'source')
    const repository = await openRepository(path.join(directory, 'repository'))
    const signingKey = await openSigningKey(path.join(directory, 'keys'))
    const importAndMake = async () => {
      const version = await importDirectory(repository, source, { image: 'nasty', signingKey })
      return ensureRendition(repository, version.id, { name: 'volume', filesystem }, { signingKey })
    }
    const compare = async (blocks: BlockMap) => {
      const file = path.join(directory, 'disk')
      await layOntoGarbage(repository, blocks, file)
      const [program, ...args] = checks[filesystem]
      execFileSync(program, [...args, file], { stdio: 'pipe' })
      await using mount = await LoopMount.open(file, filesystem, mountOptions[filesystem])
      assertSameDescription(describeWithTools(mount.directory), describeWithTools(source))
    }
    fs.mkdirSync(source)
    makeNastyTree(source, 1)
    if (filesystem === 'xfs') {
      fs.rmSync(path.join(source, 'links/long')) // over XFS's 1024 bytes
      fs.rmSync(path.join(source, 'special/big-minor')) // over XFS's 18 bits
      execFileSync('mknod', [path.join(source, 'special/big-minor'), 'b', '259', '200000'])
    }
    const first = await importAndMake()

    await t.test('from scratch', async () => {
      await compare(first.blocks)
      assert.ok(measureMap(first.blocks).usedBytes < first.blocks.sizeBytes / 2, 'most blocks are free')
    })
    changeNastyTree(source)
    const second = await importAndMake()
    await t.test('laid onto that of the version before', async () => {
      assert.equal(second.header.parent, first.statement.version)
      await compare(second.blocks)
    })
    await t.test('with what did not change where it was', async () => {
      const index = await readChunkIndex(repository.directory)
      await using stored = new StoredChunks(repository, index)
      const source = { stored, index }
      const nothing = { ...first.blocks, chunkOfRow: new Int32Array(0) }
      const whole = await bytesToFetchVolume(nothing, second.blocks, source)
      const moved = await bytesToFetchVolume(first.blocks, second.blocks, source)
      t.diagnostic(`${filesystem}: ${moved.storedBytes} of ${whole.storedBytes} bytes to fetch`)
      assert.ok(moved.storedBytes < whole.storedBytes * 0.75)
      assert.deepEqual(await bytesToFetchVolume(second.blocks, second.blocks, source), { chunks: 0, storedBytes: 0 })
    })
    await t.test('once, and the version stays what it is', async () => {
      const digest = () => {
        const hash = createHash('sha256')
        for (const name of fs.readdirSync(second.directory))
          hash.update(fs.readFileSync(path.join(second.directory, name)))
        return hash.digest('hex')
      }
      const before = digest()
      const again = await importAndMake()
      assert.equal(again.statement.manifest, second.statement.manifest)
      assert.equal(digest(), before)
    })
    assert.deepEqual(fs.readdirSync(path.join(repository.directory, 'staging')), [])
  })
}

test('ensureRendition() grows the volume of the version before where the new one does not fit', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  fs.mkdirSync(source)
  for (const filesystem of volumeFilesystems) {
    fs.writeFileSync(path.join(source, 'file'), filesystem)
    fs.rmSync(path.join(source, 'large'), { force: true })
    const small = await importDirectory(repository, source, { image: filesystem, signingKey })
    const first = await ensureRendition(repository, small.id, { name: 'volume', filesystem }, { signingKey })
    execFileSync('fallocate', ['-l', '600M', path.join(source, 'large')])
    const fd = fs.openSync(path.join(source, 'large'), 'r+')
    for (let at = 0; at < 600 * 4; at++) fs.writeSync(fd, 'no hole', at * chunkBytes)
    fs.closeSync(fd)
    const large = await importDirectory(repository, source, { image: filesystem, signingKey })
    const second = await ensureRendition(repository, large.id, { name: 'volume', filesystem }, { signingKey })
    assert.equal(second.header.parent, small.id, filesystem)
    assert.ok(second.blocks.sizeBytes > first.blocks.sizeBytes, filesystem)
  }
})

test('ensureRendition() refuses by name what a filesystem cannot keep', async (t) => {
  if (skipsWithoutRoot(t)) return
  const directory = temporaryDirectory(t)
  const source = path.join(directory, 'source')
  const repository = await openRepository(path.join(directory, 'repository'))
  const signingKey = await openSigningKey(path.join(directory, 'keys'))
  fs.mkdirSync(source)
  fs.symlinkSync('t'.repeat(2000), path.join(source, 'long-link'))
  const make = async (filesystem: 'xfs' | 'ext4') => {
    const { id } = await importDirectory(repository, source, { image: 'image', signingKey })
    return ensureRendition(repository, id, { name: 'volume', filesystem }, { signingKey })
  }
  await assert.rejects(make('xfs'), { name: 'RenditionImpossible', message: /volume-xfs.*link target.*long-link/ })
  fs.rmSync(path.join(source, 'long-link'))
  fs.writeFileSync(path.join(source, 'late'), '')
  execFileSync('touch', ['-d', '@20000000000', path.join(source, 'late')])
  const late = await importDirectory(repository, source, { image: 'image', signingKey })
  const kept = (await readTree(repository, late.id)).entries.find((entry) => entry.path === 'late')
  if (kept?.type !== 'file' || kept.mtimeSeconds !== 20_000_000_000) {
    return t.diagnostic('the filesystem of the test keeps no time so late')
  }
  await assert.rejects(make('ext4'), { name: 'RenditionImpossible', message: /volume-ext4.*time of "late"/ })
})
