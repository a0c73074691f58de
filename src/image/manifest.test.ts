import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { decodeManifest } from './manifest-decode.ts'
import { encodeManifest } from './manifest-encode.ts'
import { chunkBytes, type Metadata, type Tree } from './tree.ts'

const metadata: Metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, mtimeNanoseconds: 0, xattrs: [] }

function tree(entries: Tree['entries'], sizes: number[]): Tree {
  const ids = Buffer.alloc(sizes.length * 32, 7)
  return {
    entries,
    chunks: { count: sizes.length, ids, sizes: Uint32Array.from(sizes) },
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
  }
}

const sample = tree(
  [
    { type: 'directory', path: '', ...metadata, mode: 0o755 },
    { type: 'file', path: 'a', ...metadata, sizeBytes: 3, row: 0, at: 0, holes: [], group: 0 },
    { type: 'link', path: 'b', group: 0 },
    { type: 'file', path: 'c', ...metadata, sizeBytes: chunkBytes * 4 + 5, row: 1, at: 0, holes: [[1, 2]] },
    { type: 'file', path: 'd', ...metadata, sizeBytes: 4, row: 0, at: 3, holes: [] },
    {
      type: 'file',
      path: 'e\udcff',
      ...metadata,
      uid: 9,
      gid: 8,
      mtimeSeconds: -1,
      sizeBytes: 0,
      row: 0,
      at: 0,
      holes: [],
    },
    { type: 'symlink', path: 'f', ...metadata, target: '../../x' },
    { type: 'directory', path: 'g', ...metadata, mtimeNanoseconds: 5 },
    { type: 'fifo', path: 'g/a', ...metadata },
    { type: 'block-device', path: 'g/b', ...metadata, major: 8, minor: 1 },
    {
      type: 'file',
      path: 'g/c',
      ...metadata,
      sizeBytes: 7,
      row: 4,
      at: 0,
      holes: [],
      xattrs: [{ name: 'user.a', value: Buffer.of(1, 2) }],
    },
    { type: 'directory', path: 'g/h', ...metadata },
    { type: 'directory', path: 'g.h', ...metadata },
  ],
  [7, chunkBytes, chunkBytes, 5, 7],
)

test('encodeManifest() writes one line an entry, defaults left out', (t) => {
  t.assert.snapshot(encodeManifest(sample).toString().split('\n'))
})

test('decodeManifest() gives back what encodeManifest() was given', () => {
  const bytes = encodeManifest(sample)
  const decoded = decodeManifest(bytes)
  assert.deepEqual(decoded, sample)
  assert.deepEqual(encodeManifest(decoded), bytes)
})

test('decodeManifest() says DecodeError wherever the manifest is cut', () => {
  const bytes = encodeManifest(sample)
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeManifest(bytes.subarray(0, length)), DecodeError, `cut at ${length}`)
  }
})

/** The sample's text with one thing changed, and why it is refused. */
const hostile: [string, (text: string) => string, RegExp][] = [
  ['a name that climbs', (text) => text.replace('"name":"a"', '"name":".."'), /names no file of its own/],
  ['a name that is a path', (text) => text.replace('"name":"a"', '"name":"a/b"'), /a slash or NUL/],
  ['an absolute name', (text) => text.replace('"name":"a"', '"name":"/a"'), /a slash or NUL/],
  ['a NUL', (text) => text.replace('"name":"a"', '"name":"a\\u0000"'), /a slash or NUL/],
  ['a name twice', (text) => text.replace('"name":"b"', '"name":"a"'), /not in order/],
  [
    'a directory that is a symlink too',
    (text) => text.replaceAll('"directory":"g', '"directory":"f'),
    /"f" stands twice/,
  ],
  [
    'a directory in none',
    (text) => text.replace('"directory":"g/h"', '"directory":"x/h"'),
    /does not stand behind the one it is in/,
  ],
  [
    'a directory below a symlink',
    (text) => text.replace('"directory":"g/h"', '"directory":"f/h"'),
    /does not stand behind/,
  ],
  [
    'a directory that climbs',
    (text) => text.replace('"directory":"g/h"', '"directory":"g/.."'),
    /names no file of its own/,
  ],
  ['an absolute directory', (text) => text.replace('"directory":"g.h"', '"directory":"/g.h"'), /is not below the root/],
  [
    'a first directory that is not the root',
    (text) => text.replace('"directory":""', '"directory":"a"'),
    /not the root/,
  ],
  ['a name too long', (text) => text.replace('"name":"a"', `"name":"a${'b'.repeat(255)}"`), /over 255 bytes/],
  ['a lone surrogate that is no byte', (text) => text.replace('\\udcff', '\\udc00'), /text of none/],
  ['an unknown type', (text) => text.replace('"fifo"', '"door"'), /"door" is not known/],
  [
    'a link to no group',
    (text) => text.replace('"link","group":0', '"link","group":1'),
    /"group" is not a whole number/,
  ],
  ['a mode of five digits', (text) => text.replace('"mode":"0644"', '"mode":"10644"'), /four octal digits/],
  ['no owner', (text) => text.replace('"uid":9', '"uid":4294967295'), /"uid" is not a whole number/],
  ['content in another row', (text) => text.replace('"row":0,"at":3', '"row":1,"at":3'), /not in 0 at 3/],
  ['content that overlaps', (text) => text.replace('"at":3', '"at":2'), /not in 0 at 3/],
  [
    'a row that is filled otherwise',
    (text) => text.replace('"size":7,"row":4', '"size":6,"row":4'),
    /row 4 .* not what its files fill|sizeBytes/,
  ],
  ['holes over each other', (text) => text.replace('[[1,2]]', '[[1,2],[2,1]]'), /holes are not in order/],
  ['holes behind the end', (text) => text.replace('[[1,2]]', '[[1,9]]'), /holes are not in order/],
  [
    'a file of a petabyte',
    (text) => text.replace(`"size":${chunkBytes * 4 + 5}`, '"size":1000000000000000'),
    /behind the chunk table/,
  ],
  ['more entries than it says', (text) => text.replace('"entries":13', '"entries":12'), /entries 12, it has 13/],
  ['an empty target', (text) => text.replace('"../../x"', '""'), /no link target/],
  [
    'attributes out of order',
    (text) => text.replace('[["user.a","AQI="]]', '[["user.b",""],["user.a",""]]'),
    /sorted names/,
  ],
  [
    'an entry behind the chunks',
    (text) => `${text}{"directory":"z","mode":"0755","mtime":0}\n`,
    /behind the chunk table/,
  ],
  [
    'a line that is no object',
    (text) => text.replace('{"name":"b"', '[{"name":"b"').replace('"link","group":0}', '"link","group":0}]'),
    /no object/,
  ],
  [
    'another format',
    (text) => text.replace('bootwright-tree-1', 'bootwright-tree-2'),
    /this program reads bootwright-tree-1/,
  ],
]
for (const [what, change, expected] of hostile) {
  test(`decodeManifest() refuses ${what}`, () => {
    const text = encodeManifest(sample).toString()
    const changed = change(text)
    assert.notEqual(changed, text)
    assert.throws(
      () => decodeManifest(Buffer.from(changed)),
      (error) => {
        assert.ok(error instanceof DecodeError)
        assert.match(error.message, expected)
        return true
      },
    )
  })
}
