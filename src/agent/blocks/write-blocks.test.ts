import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { measureMap } from '../../image/renditions/block-map.ts'
import { RenditionRefused } from '../../image/renditions/rendition-statement.ts'
import { openSigningKey } from '../../image/signing-key.ts'
import { SignatureRefused } from '../../image/statement.ts'
import { chunkBytes } from '../../image/tree.ts'
import { ChunkInvalid } from '../chunk-invalid.ts'
import type { VersionServer } from '../version-server.fixture.ts'
import { BlocksDiffer, verifyBlocks } from './verify-blocks.ts'
import { DeviceRefused, writeBlocks } from './write-blocks.ts'
import { setUpDisk } from './written-disk.fixture.ts'

test('writeBlocks() writes every byte of a disk over garbage, zeros too, and none behind it', async (t) => {
  const { options, blocks, isWritten } = await setUpDisk(t)
  const discarded: string[] = []
  const told: number[] = []
  const { dataBytes, zeroBytes } = measureMap(blocks)
  const result = await writeBlocks({
    ...options,
    discard: async (device) => discarded.push(device),
    onProgress: ({ bytesDone, bytesTotal }) => {
      assert.equal(bytesTotal, dataBytes)
      told.push(bytesDone)
    },
  })
  assert.equal(isWritten(), true)
  assert.deepEqual(discarded, [options.device])
  assert.equal(result.way.way, 'blind')
  assert.equal(result.bytesReused, 0)
  assert.ok(result.bytesWritten >= dataBytes && result.bytesWritten <= dataBytes + zeroBytes)
  assert.equal(told.at(-1), dataBytes)
  assert.ok((await verifyBlocks({ device: options.device, blocks, share: 1 })).bytesRead >= dataBytes)
})

test('writeBlocks() fetches only what differs on a device that drifted, and discards nothing', async (t) => {
  const { options, device, isWritten } = await setUpDisk(t)
  const whole = await writeBlocks(options)
  const fd = fs.openSync(device, 'r+')
  fs.writeSync(fd, 'drifted', chunkBytes * 3 + 100) // in data
  fs.writeSync(fd, 'drifted', chunkBytes * 200) // where zeros must be
  fs.closeSync(fd)
  const discard = () => assert.fail('a re-deploy discards nothing')
  const result = await writeBlocks({ ...options, discard })
  assert.equal(isWritten(), true)
  assert.equal(result.way.way, 'compare')
  assert.equal(result.bytesWritten, 2 * chunkBytes)
  assert.ok(result.bytesFetched < whole.bytesFetched / 10, `${result.bytesFetched} bytes were fetched`)
  assert.equal((await writeBlocks(options)).bytesWritten, 0)
})

test('writeBlocks() finishes what was aborted at any window', async (t) => {
  const { options, server, isWritten } = await setUpDisk(t)
  for (const requests of [1, 2, 3, 5]) {
    const abort = new AbortController()
    let left = requests
    server.interfere = (request) => {
      if (request.url?.startsWith('/packs/') && --left === 0) abort.abort(new Error('the power went'))
      return false
    }
    await writeBlocks({ ...options, signal: abort.signal }).catch(() => undefined)
  }
  server.interfere = () => false
  await writeBlocks(options)
  assert.equal(isWritten(), true)
})

/** Answers pack requests with one byte changed, as often as `times`. */
function spoil(server: VersionServer, times: number): void {
  let left = times
  server.interfere = async (request, response) => {
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? []
    if (!request.url?.startsWith('/packs/') || left-- <= 0) return false
    const packId = request.url.split('/')[2]!
    const bytes = await server.readPack(packId, Number(start), Number(end) + 1 - Number(start))
    bytes[bytes.length >> 1]! ^= 1
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/*`, 'content-length': bytes.length }).end(bytes)
    return true
  }
}

test('writeBlocks() fetches a chunk that came wrong once again, then names it and its byte', async (t) => {
  const { options, server, isWritten } = await setUpDisk(t)
  spoil(server, 1)
  await writeBlocks(options)
  assert.equal(isWritten(), true)
  fs.writeFileSync(options.device, Buffer.alloc(fs.statSync(options.device).size, 'garbage'))
  spoil(server, Number.POSITIVE_INFINITY)
  await assert.rejects(writeBlocks(options), (error) => {
    assert.ok(error instanceof ChunkInvalid)
    assert.match(
      error.message,
      /^Cannot use chunk [0-9a-f]{64} of byte \d+ of .*device from pack [0-9a-f]{64}: fetched twice/,
    )
    return true
  })
})

test('writeBlocks() refuses before it writes: another key, another image, a device too small', async (t) => {
  const { options, directory, device, blocks } = await setUpDisk(t)
  const before = fs.readFileSync(device)
  const stranger = await openSigningKey(path.join(directory, 'other-keys'))
  await assert.rejects(writeBlocks({ ...options, imagePublicKey: stranger.publicKey }), SignatureRefused)
  await assert.rejects(writeBlocks({ ...options, image: 'other' }), SignatureRefused)
  assert.ok(fs.readFileSync(device).equals(before))
  fs.truncateSync(device, blocks.sizeBytes - 512)
  await assert.rejects(writeBlocks(options), DeviceRefused)
})

test('writeBlocks() refuses a block manifest that is not the signed one', async (t) => {
  const { options, server, device } = await setUpDisk(t)
  const before = fs.readFileSync(device)
  await replaceManifest(t, server)
  await assert.rejects(writeBlocks(options), RenditionRefused)
  assert.ok(fs.readFileSync(device).equals(before))
})

/** With that of another disk. */
async function replaceManifest(t: TestContext, server: VersionServer): Promise<void> {
  const other = await setUpDisk(t)
  const url = `${other.server.baseUrl}/images/${other.version.id}/renditions/disk/manifest`
  const manifest = Buffer.from(await (await fetch(url)).arrayBuffer())
  server.interfere = (request, response) => {
    if (!request.url?.endsWith('/renditions/disk/manifest')) return false
    response.end(manifest)
    return true
  }
}

test('verifyBlocks() names the offset of what the device does not give back', async (t) => {
  const { options, device, blocks } = await setUpDisk(t)
  await writeBlocks(options)
  const fd = fs.openSync(device, 'r+')
  fs.writeSync(fd, 'x', chunkBytes * 5 + 77)
  fs.writeSync(fd, 'x', chunkBytes * 200)
  fs.closeSync(fd)
  await assert.rejects(verifyBlocks({ device, blocks, share: 1 }), (error) => {
    assert.ok(error instanceof BlocksDiffer)
    assert.deepEqual(error.offsets, [chunkBytes * 5, chunkBytes * 200])
    return true
  })
})

test('verifyBlocks() reads a part where the policy says so', async (t) => {
  const { options, device, blocks } = await setUpDisk(t)
  await writeBlocks(options)
  const { bytesRead } = await verifyBlocks({ device, blocks, share: 0.1 })
  assert.ok(bytesRead > 0 && bytesRead < blocks.sizeBytes / 3, `${bytesRead} bytes were read`)
})
