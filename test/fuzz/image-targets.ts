import { createHash, generateKeyPairSync } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { unpackChunk } from '../../src/agent/unpack-chunk.ts'
import { encodeAclText } from '../../src/image/acl-text.ts'
import {
  archiveFormat,
  decodeArchiveHeader,
  encodeMemberHeader,
  paddingAfter,
} from '../../src/image/archive/archive-format.ts'
import { ByteSource, SourceTruncated } from '../../src/image/byte-source.ts'
import { decodeDelta, encodeDelta } from '../../src/image/deltas/delta-codec.ts'
import { parseDpkgStatus } from '../../src/image/diff/dpkg-status.ts'
import { decodeRpmHeader } from '../../src/image/diff/rpm-header.ts'
import { decodeLocations, encodeLocations } from '../../src/image/locations.ts'
import { decodeManifest } from '../../src/image/manifest-decode.ts'
import { encodeManifest } from '../../src/image/manifest-encode.ts'
import {
  decodeConfig,
  decodeIndex as decodeOciIndex,
  decodeManifest as decodeOciManifest,
} from '../../src/image/oci/oci-documents.ts'
import { ChunkInvalid, openChunk } from '../../src/image/open-chunk.ts'
import { decodeIndex, decodeRecordHeader, encodeIndex, encodeRecordHeader } from '../../src/image/pack-format.ts'
import type { ChunkLocation } from '../../src/image/pack-index.ts'
import { decodeBlockManifest } from '../../src/image/renditions/block-manifest-decode.ts'
import { encodeBlockManifest } from '../../src/image/renditions/block-manifest-encode.ts'
import { fullRow } from '../../src/image/renditions/block-map.ts'
import { BlockMapBuilder } from '../../src/image/renditions/block-map-builder.ts'
import { decodeRenditionStatement, renditionFormat } from '../../src/image/renditions/rendition-statement.ts'
import {
  decodeSignatures,
  decodeStatement,
  encodeSignatures,
  type Statement,
  signStatement,
  statementFormat,
} from '../../src/image/statement.ts'
import { decodeCondemned } from '../../src/image/store/condemned-packs.ts'
import { TarReader } from '../../src/image/tar-reader.ts'
import { chunkBytes, type Metadata, type Tree } from '../../src/image/tree.ts'
import type { FuzzTarget } from './fuzz.ts'

const id = Buffer.alloc(32, 0xab)
const versionId = id.toString('hex')
const metadata: Metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, mtimeNanoseconds: 5, xattrs: [] }
const withXattr = { ...metadata, xattrs: [{ name: 'user.a', value: Buffer.of(1, 2) }] }
const chunks = { count: 3, ids: Buffer.alloc(96, 7), sizes: Uint32Array.of(7, chunkBytes, 5) }
const tree: Tree = {
  entries: [
    { type: 'directory', path: '', ...metadata, mode: 0o755 },
    { type: 'file', path: 'a', ...metadata, sizeBytes: 3, row: 0, at: 0, holes: [], group: 0 },
    { type: 'link', path: 'b', group: 0 },
    { type: 'file', path: 'c', ...withXattr, sizeBytes: chunkBytes * 2 + 5, row: 1, at: 0, holes: [[1, 1]] },
    { type: 'file', path: 'd', ...metadata, sizeBytes: 4, row: 0, at: 3, holes: [] },
    { type: 'symlink', path: 'f', ...metadata, target: '../../x' },
    { type: 'directory', path: 'g', ...metadata },
    { type: 'block-device', path: 'g/b', ...metadata, major: 8, minor: 1 },
  ],
  chunks,
  sizeBytes: 3 + chunkBytes + 5 + 4,
}

const packed = { id, offset: 64, storedBytes: 40, sizeBytes: 100, encoding: 'zstd' } as const
const distinct = { count: 2, ids: Buffer.concat([id, Buffer.alloc(32, 1)]), sizes: Uint32Array.of(100, 30) }
const places = new Map<string, ChunkLocation>(
  [packed, { ...packed, id: Buffer.alloc(32, 1), storedBytes: 30, sizeBytes: 30, encoding: 'raw' as const }].map(
    (chunk) => [chunk.id.toString('latin1'), { ...chunk, packId: versionId }],
  ),
)

function blockManifest(): Buffer {
  const builder = new BlockMapBuilder()
  builder.addKnownRow(id, fullRow)
  builder.addKnownRow(Buffer.alloc(32, 1), 0b1011n)
  for (let row = 0; row < 6; row++) builder.addRowWithoutChunk(row < 3 ? 0n : fullRow)
  return encodeBlockManifest(
    { version: versionId, rendition: 'volume-ext4', parent: versionId },
    builder.finish(8 * chunkBytes),
  )
}

const statement: Statement = {
  ...{ format: statementFormat, image: 'debian', version: versionId, createdAt: 1_800_000_000_000, parent: versionId },
  ...{ source: { kind: 'tar', name: 'x.tar' }, entries: 8, sizeBytes: 9, storedBytes: 5 },
}
const { privateKey } = generateKeyPairSync('ed25519')
const renditionStatement = {
  ...{ format: renditionFormat, version: versionId, rendition: 'disk', manifest: versionId },
  ...{ createdAt: 1, sizeBytes: 1, storedBytes: 0 },
}

const content = Buffer.from('what a chunk has in it, '.repeat(40))
const base = Buffer.from('what a chunk had in it, '.repeat(40))
const wanted = {
  id: createHash('sha256').update(content).digest(),
  sizeBytes: content.length,
  encoding: 'zstd',
} as const
const compressed = zstdCompressSync(content)
const delta = await encodeDelta(content, base)

function member(name: string, typeflag: string, data: Buffer): Buffer {
  const header = encodeMemberHeader(name, data.length, 7)
  header.write(typeflag, 156)
  header.write(' '.repeat(8), 148)
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return Buffer.concat([header, data, paddingAfter(data.length)])
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const length = rest.length + String(rest.length + 2).length
  return `${length}${rest}`
}

const pax = ['path=x/y', 'mtime=1.5', 'uid=70000', 'SCHILY.xattr.user.a=b'].map(
  (text) => text.split('=') as [string, string],
)
const sparse = [
  ['GNU.sparse.map', '0,5'],
  ['GNU.sparse.size', '20'],
  ['GNU.sparse.name', 's'],
] as const
const tar = Buffer.concat([
  member('x', 'x', Buffer.from(pax.map(([key, value]) => paxRecord(key, value)).join(''))),
  member('plain', '0', Buffer.from('hello')),
  member('x', 'x', Buffer.from(sparse.map(([key, value]) => paxRecord(key, value)).join(''))),
  member('sparse', '0', Buffer.from('hello')),
  member('././@LongLink', 'L', Buffer.from(`${'long/'.repeat(30)}\0`)),
  member('link', '2', Buffer.alloc(0)),
  Buffer.alloc(1024),
])

async function readTar(bytes: Buffer): Promise<void> {
  const reader = new TarReader(new ByteSource(pieces(bytes)))
  for (let found = await reader.next(); found; found = await reader.next()) {
    for await (const piece of reader.data(found)) void piece
  }
}

/** Damage is put where the sum does not see it, too. */
function withSums(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue
    bytes.write(' '.repeat(8), at + 148)
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
  }
  return bytes
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
}

function rpmHeader(): Buffer {
  const texts = Buffer.from('bash\x005.2\x001.el9\0x86_64\0\0\0\0\x01')
  const index = [
    [1000, 6, 0],
    [1001, 6, 5],
    [1002, 6, 9],
    [1022, 6, 15],
    [1003, 4, 22],
  ] as const
  const header = Buffer.alloc(8 + index.length * 16)
  header.writeUInt32BE(index.length, 0)
  header.writeUInt32BE(texts.length, 4)
  index.forEach(([tag, type, offset], row) => {
    for (const [field, value] of [tag, type, offset, 1].entries()) header.writeUInt32BE(value, 8 + row * 16 + field * 4)
  })
  return Buffer.concat([header, texts])
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${versionId}`, size: 7 }
const oci = [
  json({ schemaVersion: 2, manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'amd64' } }] }),
  json({ schemaVersion: 2, config: descriptor, layers: [descriptor] }),
  json({
    architecture: 'amd64',
    config: { Env: ['A=b'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${versionId}`] },
  }),
]
const status =
  'Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2-1\nDescription: a\n b\n\n'
const acl = 'user::rw-,user:1000:r--,group::r--,mask::rw-,other::r--'

/** What an image's maker, another site or a disk that fails can have made anything of. */
export const imageTargets: readonly FuzzTarget[] = [
  { name: 'decodeManifest()', seeds: [encodeManifest(tree)], decode: decodeManifest },
  // "8 TiB take 400 MiB of memory" (block-map.ts): such a map is a few lines.
  { name: 'decodeBlockManifest()', seeds: [blockManifest()], decode: decodeBlockManifest, maximumBytes: 512 << 20 },
  {
    name: 'decodeIndex() of packs',
    seeds: [encodeIndex([packed, packed])],
    decode: (bytes) => decodeIndex('index', bytes),
  },
  {
    name: 'decodeRecordHeader()',
    seeds: [encodeRecordHeader(packed)],
    decode: (bytes) => decodeRecordHeader('pack', bytes, 16),
  },
  {
    name: 'decodeLocations()',
    seeds: [Buffer.from(encodeLocations(versionId, distinct, places).text)],
    decode: (bytes) => decodeLocations(bytes, versionId, distinct),
  },
  {
    name: 'openChunk()',
    seeds: [compressed],
    decode: (bytes) => openChunk(wanted, bytes, 'pack'),
    refusals: [ChunkInvalid],
  },
  {
    name: 'unpackChunk()',
    seeds: [compressed],
    decode: (bytes) =>
      unpackChunk(bytes, { ...wanted, row: 0, offset: 0, storedBytes: bytes.length }, Buffer.alloc(2048)),
  },
  { name: 'decodeDelta()', seeds: [delta], decode: (bytes) => decodeDelta(bytes, base, content.length) },
  { name: 'TarReader', seeds: [tar], decode: readTar, refusals: [SourceTruncated] },
  {
    name: 'TarReader, sums right',
    seeds: [tar],
    decode: (bytes) => readTar(withSums(bytes)),
    refusals: [SourceTruncated],
  },
  { name: 'decodeStatement()', seeds: [json(statement)], decode: (bytes) => decodeStatement(bytes.toString('utf8')) },
  {
    name: 'decodeSignatures()',
    seeds: [Buffer.from(encodeSignatures([signStatement(statement, privateKey)]))],
    decode: decodeSignatures,
  },
  {
    name: 'decodeRenditionStatement()',
    seeds: [json(renditionStatement)],
    decode: (bytes) => decodeRenditionStatement(bytes.toString('utf8')),
  },
  {
    name: 'decodeArchiveHeader()',
    seeds: [json({ format: archiveFormat, image: 'debian', version: versionId, chunks: 3, storedBytes: 9 })],
    decode: decodeArchiveHeader,
  },
  {
    name: 'decodeCondemned()',
    seeds: [
      json({ format: 'bootwright-condemned-1', packs: { [versionId]: { since: 1, reason: 'unused', holds: [] } } }),
    ],
    decode: (bytes) => decodeCondemned(bytes.toString('utf8')),
  },
  { name: 'decodeRpmHeader()', seeds: [rpmHeader()], decode: decodeRpmHeader },
  {
    name: 'parseDpkgStatus()',
    seeds: [Buffer.from(status.repeat(3))],
    decode: (bytes) => parseDpkgStatus(bytes.toString('utf8')),
  },
  {
    name: 'encodeAclText()',
    seeds: [Buffer.from(acl)],
    decode: (bytes) => encodeAclText(bytes.toString('utf8'), 'access'),
  },
  { name: 'OCI index', seeds: [oci[0]!], decode: decodeOciIndex },
  { name: 'OCI manifest', seeds: [oci[1]!], decode: decodeOciManifest },
  { name: 'OCI configuration', seeds: [oci[2]!], decode: decodeConfig },
]
