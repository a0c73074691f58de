import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { blockBytes } from '../tar-header.ts'

/*
 * One version in one file: a tar (ustar) with these members, in this order.
 *
 *   archive         JSON: what is in it
 *   signatures      signed statements about this version and image, one a line, ours first
 *   manifest        the tree manifest, zstd
 *   chunks-000001…  packs (pack-format.ts) of the chunks in the order of the manifest's table, each once
 *
 * The same version of the same repository always gives the same bytes.
 */

export const archiveFormat = 'bootwright-archive-1'

export const ArchiveHeader = Type.Object({
  format: Type.Literal(archiveFormat),
  image: Type.String(),
  version: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  chunks: Type.Integer({ minimum: 0 }),
  /** Of the chunks, compressed. */
  storedBytes: Type.Integer({ minimum: 0 }),
})
export type ArchiveHeader = Static<typeof ArchiveHeader>

export const maxArchiveHeaderBytes = 4096
export const maxSignaturesBytes = 1024 * 1024

/** Throws DecodeError. */
export function decodeArchiveHeader(bytes: Buffer): ArchiveHeader {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new DecodeError('archive header', 'it is not JSON')
  }
  if (Value.Check(ArchiveHeader, value)) return value
  throw new DecodeError('archive header', `it is not of the format ${archiveFormat}`)
}

export function chunksMemberName(number: number): string {
  return `chunks-${String(number).padStart(6, '0')}`
}

/** A ustar header of a plain file that belongs to root. */
export function encodeMemberHeader(name: string, sizeBytes: number, mtimeSeconds: number): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(blockBytes)
  const octal = (value: number, length: number) =>
    `${Math.max(0, value)
      .toString(8)
      .padStart(length - 1, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(sizeBytes, 12), 124)
  header.write(octal(mtimeSeconds, 12), 136)
  header.write(' '.repeat(8), 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257)
  header.write('root', 265)
  header.write('root', 297)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** Zeros behind a member's bytes, up to the end of the block. */
export function paddingAfter(sizeBytes: number): Buffer<ArrayBuffer> {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes)
}

/** What a member of this size takes, with its header. */
export function memberBytes(sizeBytes: number): number {
  return blockBytes + Math.ceil(sizeBytes / blockBytes) * blockBytes
}

/** Two blocks of zeros. */
export const archiveEnd = Buffer.alloc(2 * blockBytes)
