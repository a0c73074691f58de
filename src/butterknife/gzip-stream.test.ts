import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { emptyBlock, gzipHeader, gzipParts } from './gzip-stream.ts'

async function gzip(parts: Buffer[]): Promise<Buffer> {
  const given = (async function* () {
    yield* parts
  })()
  return Buffer.concat(await Array.fromAsync(gzipParts(given)))
}

test('gzipParts() makes one member that zlib and gzip undo, whatever the parts', async () => {
  const random = randomBytes(300_000)
  const cases = [
    [],
    [Buffer.alloc(0)],
    [Buffer.from('a')],
    Array.from({ length: 40 }, () => random),
    [Buffer.alloc(1e6)],
  ]
  for (const parts of cases) {
    const packed = await gzip(parts)
    assert.deepEqual(gunzipSync(packed), Buffer.concat(parts))
    const options = { input: packed, maxBuffer: 1e8 }
    assert.deepEqual(execFileSync('gzip', ['-dc'], options), Buffer.concat(parts))
  }
})

test('gzipParts() may have blocks of nothing behind its header', async () => {
  const packed = await gzip([Buffer.from('what was sent')])
  const alive = Buffer.concat([gzipHeader, emptyBlock, emptyBlock, packed.subarray(gzipHeader.length)])
  assert.equal(gunzipSync(alive).toString(), 'what was sent')
})

test('gzipParts() throws what its source throws', async () => {
  const broken = (async function* () {
    yield Buffer.from('start')
    throw new RangeError('no more')
  })()
  await assert.rejects(Array.fromAsync(gzipParts(broken)), RangeError)
})
