import { DecodeError } from '../bytes/decode-error.ts'

/*
 * A pack: 16 bytes "BOOTWRIGHT-PACK1", then records. A record: a 48-byte header, then the stored bytes.
 * An index: 16 bytes "BOOTWRIGHT-INDX1", then a 48-byte row for each record, in the same order.
 *
 *   bytes 0–31  chunk id, SHA-256 of the uncompressed bytes
 *   32–35       in a pack "CHNK"; in an index the offset of the stored bytes in the pack
 *   36–39       length of the stored bytes
 *   40–43       length of the uncompressed bytes
 *   44–47       encoding: 0 raw, 1 zstd
 *
 * Numbers are little-endian. A pack says everything its index says, so the index can be made again.
 */

export type Encoding = 'raw' | 'zstd'
export type PackedChunk = { id: Buffer; offset: number; storedBytes: number; sizeBytes: number; encoding: Encoding }

export const packMagic = Buffer.from('BOOTWRIGHT-PACK1')
const indexMagic = Buffer.from('BOOTWRIGHT-INDX1')
const recordMagic = Buffer.from('CHNK').readUInt32LE()
export const magicBytes = 16
export const rowBytes = 48
/** A pack is sealed when it has reached this. */
export const packTargetBytes = 64 * 1024 * 1024
export const maxChunkBytes = 16 * 1024 * 1024
const encodings: readonly Encoding[] = ['raw', 'zstd']

export function encodeRecordHeader(chunk: Omit<PackedChunk, 'offset'>): Buffer {
  return encodeRow({ ...chunk, offset: recordMagic })
}

/** Reads a record's header that stands at `offset` of a pack. Throws DecodeError. */
export function decodeRecordHeader(what: string, row: Buffer, offset: number): PackedChunk {
  if (row.length < rowBytes) throw new DecodeError(what, 'it ends inside a record header', offset)
  if (row.readUInt32LE(32) !== recordMagic) throw new DecodeError(what, 'no record starts here', offset)
  return { ...decodeRow(what, row, offset), offset: offset + rowBytes }
}

export function encodeIndex(chunks: readonly PackedChunk[]): Buffer {
  return Buffer.concat([indexMagic, ...chunks.map(encodeRow)])
}

/** Throws DecodeError. */
export function decodeIndex(what: string, bytes: Buffer): PackedChunk[] {
  if (!bytes.subarray(0, magicBytes).equals(indexMagic)) throw new DecodeError(what, 'it is no pack index', 0)
  if ((bytes.length - magicBytes) % rowBytes !== 0) throw new DecodeError(what, 'it is cut short', bytes.length)
  const chunks: PackedChunk[] = []
  for (let at = magicBytes; at < bytes.length; at += rowBytes) {
    chunks.push(decodeRow(what, bytes.subarray(at, at + rowBytes), at))
  }
  return chunks
}

function encodeRow({ id, offset, storedBytes, sizeBytes, encoding }: PackedChunk): Buffer {
  const row = Buffer.allocUnsafe(rowBytes)
  row.set(id, 0)
  row.writeUInt32LE(offset, 32)
  row.writeUInt32LE(storedBytes, 36)
  row.writeUInt32LE(sizeBytes, 40)
  row.writeUInt32LE(encodings.indexOf(encoding), 44)
  return row
}

function decodeRow(what: string, row: Buffer, at: number): PackedChunk {
  const encoding = encodings[row.readUInt32LE(44)]
  if (encoding === undefined) throw new DecodeError(what, `encoding ${row.readUInt32LE(44)} is not known`, at)
  const storedBytes = row.readUInt32LE(36)
  const sizeBytes = row.readUInt32LE(40)
  if (sizeBytes === 0 || sizeBytes > maxChunkBytes || storedBytes === 0 || storedBytes > sizeBytes) {
    throw new DecodeError(what, `a chunk of ${sizeBytes} bytes cannot be stored in ${storedBytes}`, at)
  }
  return { id: Buffer.from(row.subarray(0, 32)), offset: row.readUInt32LE(32), storedBytes, sizeBytes, encoding }
}
