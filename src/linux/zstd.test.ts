import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressByZlib, compressZstd, decompressByZlib, decompressZstd } from './zstd.ts'

const content = Buffer.alloc(200_000, 'some content, again and again; ')
const stored = zstdCompressSync(content)

for (const decompress of [decompressZstd, decompressByZlib]) {
  test(`${decompress.name}() gives the content back, in memory that is used again`, () => {
    const target = new Uint8Array(262_144)
    for (const part of [content, content.subarray(0, 1), content.subarray(7, 70_000)]) {
      assert.equal(decompress(zstdCompressSync(part), target, part.length), true)
      assert.deepEqual(Buffer.from(target.subarray(0, part.length)), part)
    }
  })

  test(`${decompress.name}() says false for another size, garbage and every cut`, () => {
    const target = new Uint8Array(262_144)
    assert.equal(decompress(stored, target, content.length - 1), false)
    assert.equal(decompress(stored, target, content.length + 1), false)
    assert.equal(decompress(Buffer.from('this is not zstd'), target, 100), false)
    for (let length = 0; length < stored.length; length++) {
      assert.equal(decompress(stored.subarray(0, length), target, content.length), false, `cut at ${length}`)
    }
    assert.equal(decompress(stored, target, content.length), true)
  })
}

for (const compress of [compressZstd, compressByZlib]) {
  test(`${compress.name}() makes frames that node:zlib undoes, in memory that is used again`, () => {
    const target = new Uint8Array(262_144)
    for (const part of [content, content.subarray(0, 1), content.subarray(7, 70_000)]) {
      const length = compress(part, target, 3)
      assert.deepEqual(zstdDecompressSync(target.subarray(0, length)), part)
    }
  })

  test(`${compress.name}() says undefined where there is no room`, () => {
    assert.equal(compress(content, new Uint8Array(16), 3), undefined)
  })
}
