import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import test from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import { compressManifest, versionIdOf } from '../manifest-open.ts'
import { seededRandom } from '../nasty-tree.fixture.ts'
import { encodeSignatures } from '../statement.ts'
import { chunkBytes } from '../tree.ts'
import { decodeBlockManifest } from './block-manifest-decode.ts'
import { encodeBlockManifest } from './block-manifest-encode.ts'
import { type BlockMap, clearUnused, fullMask, fullRow, measureMap } from './block-map.ts'
import { BlockMapBuilder } from './block-map-builder.ts'
import { openRendition } from './open-rendition.ts'
import { formatRenditionName, parseRenditionName } from './rendition-name.ts'
import { type RenditionStatement, renditionFormat, signRenditionStatement } from './rendition-statement.ts'

const version = '1'.repeat(64)
const parent = '2'.repeat(64)
const header = { version, rendition: 'volume-ext4', parent }

/** Rows of each kind: data, data in part, zeros, zeros in part, free; the last row is short. */
function makeMap(rows = 40): BlockMap {
  const random = seededRandom(7)
  const sizeBytes = (rows - 1) * chunkBytes + 5 * 4096
  const builder = new BlockMapBuilder()
  for (let row = 0; row < rows; row++) {
    const mask = random() < 0.5 ? fullRow : 0b1011_0001n
    if (random() < 0.3) builder.addRowWithoutChunk(random() < 0.5 ? 0n : mask)
    else builder.addKnownRow(randomBytes(32), mask)
  }
  return builder.finish(sizeBytes)
}

test('decodeBlockManifest() gives the map that was encoded', () => {
  const map = makeMap()
  const decoded = decodeBlockManifest(encodeBlockManifest(header, map))
  assert.deepEqual(decoded, { header, blocks: map })
  const empty = new BlockMapBuilder()
  for (let row = 0; row < 1000; row++) empty.addRowWithoutChunk(row < 600 ? 0n : fullRow)
  const bytes = encodeBlockManifest({ version, rendition: 'disk' }, empty.finish(1000 * chunkBytes))
  assert.equal(bytes.toString().split('\n').slice(1).join(' '), '{"free":600} {"zero":400} ')
})

test('decodeBlockManifest() throws DecodeError and nothing else for a manifest that is cut anywhere', () => {
  const bytes = encodeBlockManifest(header, makeMap(12))
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeBlockManifest(bytes.subarray(0, length)), DecodeError, `cut at ${length}`)
  }
})

const line = (text: string) => `${text}\n`
const head = (fields: object) =>
  line(JSON.stringify({ format: 'bootwright-blocks-1', version, rendition: 'disk', ...fields }))
const id = 'a'.repeat(64)
const hostile: [string, string, RegExp][] = [
  ['another format', head({ format: 'bootwright-tree-1' }), /format/],
  ['a version that leads elsewhere', head({ version: '../../etc', sizeBytes: 1, chunks: 0 }), /version id/],
  ['a rendition that leads elsewhere', head({ rendition: '../x', sizeBytes: 1, chunks: 0 }), /name of no rendition/],
  ['a size beyond memory', head({ sizeBytes: 2 ** 52, chunks: 0 }), /"sizeBytes"/],
  ['more chunks than the text can hold', head({ sizeBytes: 2 ** 40, chunks: 2 ** 22 }), /"chunks"/],
  ['no rows', head({ sizeBytes: chunkBytes, chunks: 0 }), /describes 0 of 1 rows/],
  ['rows behind the end', head({ sizeBytes: chunkBytes, chunks: 0 }) + line('{"free":2}'), /"free"/],
  [
    'a row behind the last',
    head({ sizeBytes: 1, chunks: 0 }) + line('{"free":1}{"zero":1}'.replace('}{', '}\n{')),
    /behind the end/,
  ],
  ['a run of no rows', head({ sizeBytes: chunkBytes, chunks: 0 }) + line('{"zero":0}'), /"zero"/],
  [
    'chunks that are not announced',
    head({ sizeBytes: chunkBytes, chunks: 0 }) + line(`{"chunk":"${id}"}`),
    /more chunks/,
  ],
  [
    'an id that is none',
    head({ sizeBytes: chunkBytes, chunks: 1 }) + line(`{"chunk":"${id.slice(1)}g"}`),
    /64 hexadecimal/,
  ],
  [
    'blocks that the row does not have',
    head({ sizeBytes: 4096, chunks: 0 }) + line('{"zero":1,"used":"0000000000000002"}'),
    /"used"/,
  ],
  [
    'a mask of nothing',
    head({ sizeBytes: chunkBytes, chunks: 0 }) + line('{"zero":1,"used":"0000000000000000"}'),
    /"used"/,
  ],
  [
    'a mask for many rows',
    head({ sizeBytes: chunkBytes * 2, chunks: 0 }) + line('{"zero":2,"used":"0000000000000001"}'),
    /several rows/,
  ],
]
for (const [what, text, message] of hostile) {
  test(`decodeBlockManifest() refuses ${what}`, () => {
    assert.throws(() => decodeBlockManifest(Buffer.from(text)), { name: 'DecodeError', message })
  })
}

test('clearUnused() leaves the blocks that the mask names, and measureMap() counts them', () => {
  const bytes = Buffer.alloc(chunkBytes, 1)
  clearUnused(bytes, 0b101n)
  assert.deepEqual(
    [bytes[0], bytes[4095], bytes[4096], bytes[8192], bytes[12288], bytes[chunkBytes - 1]],
    [1, 1, 0, 1, 0, 0],
  )
  const builder = new BlockMapBuilder()
  builder.addKnownRow(Buffer.alloc(32, 1), 0b111n)
  builder.addRowWithoutChunk(fullRow)
  builder.addRowWithoutChunk(fullRow)
  const map = builder.finish(chunkBytes * 2 + 1)
  assert.equal(map.used[2], fullMask(map.sizeBytes, 2))
  assert.deepEqual(measureMap(map), { usedBytes: (3 + 64 + 1) * 4096, dataBytes: chunkBytes, zeroBytes: 65 * 4096 })
})

test('parseRenditionName() reads what formatRenditionName() writes and refuses the rest', () => {
  for (const name of ['volume-ext4', 'volume-btrfs', 'volume-xfs', 'disk', 'btrfs', `btrfs-from-${parent}`]) {
    assert.equal(formatRenditionName(parseRenditionName(name)), name)
  }
  for (const name of ['', 'tree', 'volume-zfs', 'btrfs-from-', '../disk', 'disk/', 'DISK']) {
    assert.throws(() => parseRenditionName(name), DecodeError, name)
  }
})

test('openRendition() refuses by name what is unsigned, of another key, swapped, damaged or cut', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const map = makeMap()
  const text = encodeBlockManifest(header, map)
  const manifest = compressManifest(text)
  const statement: RenditionStatement = {
    format: renditionFormat,
    ...{ version, rendition: 'volume-ext4', manifest: versionIdOf(text) },
    ...{ createdAt: 1, sizeBytes: map.sizeBytes, storedBytes: 1 },
  }
  const sign = (said: RenditionStatement, key = privateKey) =>
    Buffer.from(encodeSignatures([signRenditionStatement(said, key)]))
  const wanted = { version, rendition: 'volume-ext4' }
  const open = (bytes: Buffer, signatures: Buffer, asked = wanted) => openRendition(bytes, signatures, publicKey, asked)
  assert.deepEqual(open(manifest, sign(statement)).blocks, map)

  const refused = { name: 'RenditionRefused' }
  assert.throws(() => open(manifest, Buffer.alloc(0)), { ...refused, message: /not signed/ })
  const other = generateKeyPairSync('ed25519').privateKey
  assert.throws(() => open(manifest, sign(statement, other)), { ...refused, message: /not signed by the image key/ })
  assert.throws(() => open(manifest, sign(statement), { ...wanted, version: parent }), {
    ...refused,
    message: /what is signed is/,
  })
  assert.throws(() => open(manifest, sign(statement), { ...wanted, rendition: 'disk' }), {
    ...refused,
    message: /what is signed is/,
  })
  const tampered = compressManifest(Buffer.from(text.toString().replace('"sizeBytes"', '"sizebytes"')))
  assert.throws(() => open(tampered, sign(statement)), { ...refused, message: /its manifest hashes to/ })
  assert.throws(() => open(manifest, sign({ ...statement, sizeBytes: 1 })), {
    ...refused,
    message: /describes something else/,
  })
  assert.throws(() => open(manifest.subarray(0, 100), sign(statement)), {
    name: 'DecodeError',
    message: /compression is damaged/,
  })
  const forged = sign(statement).toString().replace('volume-ext4', 'volume-ext3')
  assert.throws(() => open(manifest, Buffer.from(forged)), { ...refused, message: /not signed/ })
})
