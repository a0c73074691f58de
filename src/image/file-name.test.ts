import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFileName, encodeFileName, fileNameByteLength, fileSystemPath } from './file-name.ts'
import { seededRandom } from './nasty-tree.fixture.ts'

test('encodeFileName() gives back the bytes of every name', () => {
  const random = seededRandom(5)
  const interesting = [
    0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xb3, 0xf0, 0x9f, 0x98, 0xff,
  ]
  for (let round = 0; round < 20_000; round++) {
    const length = Math.floor(random() * 12)
    const bytes = Buffer.from(Array.from({ length }, () => interesting[Math.floor(random() * interesting.length)]!))
    const text = decodeFileName(bytes)
    assert.deepEqual(encodeFileName(text), bytes)
    assert.equal(fileNameByteLength(text), length)
    assert.deepEqual(encodeFileName(JSON.parse(JSON.stringify(text))), bytes)
  }
})

test('encodeFileName() refuses texts that no bytes decode to', () => {
  for (const text of ['\ud800', '\udc7f', '\udfff', '\udcc3\udca9', 'a\udc41'])
    assert.equal(encodeFileName(text), undefined)
  assert.throws(() => fileSystemPath('\ud800'), RangeError)
})

test('decodeFileName() leaves UTF-8 as it reads', () => {
  assert.equal(decodeFileName(Buffer.from('日本 \u{1f600}')), '日本 \u{1f600}')
  assert.equal(decodeFileName(Buffer.from([0x61, 0xff])), 'a\udcff')
})
