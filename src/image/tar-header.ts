import { DecodeError } from '../bytes/decode-error.ts'

export const blockBytes = 512

/** A header block of a tar: POSIX.1-2017 pax, "ustar Interchange Format", and GNU's own. Names are bytes. */
export type TarHeader = {
  typeflag: string
  name: Buffer
  linkname: Buffer
  mode: number
  uid: number
  gid: number
  size: number
  mtime: number
  devmajor: number
  devminor: number
  /** Old GNU sparse files (type S): the first part of the map, and whether blocks with more of it follow. */
  sparse?: { extents: SparseExtent[]; realSize: number; isExtended: boolean }
}

/** `length` bytes of data from `offset` of the file on; what lies between extents is zeros. */
export type SparseExtent = { offset: number; length: number }

const what = 'tar header'

/** Undefined for a block of zeros, which ends an archive. `position` is where it stands. Throws DecodeError. */
export function decodeTarHeader(block: Buffer, position: number): TarHeader | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined
  checkSum(block, position)
  const number = (start: number, end: number) => decodeNumber(block.subarray(start, end), position + start)
  const typeflag = block[156] === 0 ? '0' : String.fromCharCode(block[156]!)
  const isGnu = block.toString('latin1', 257, 265) === 'ustar  \0'
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(block, 345, 500) : Buffer.alloc(0)
  const name = text(block, 0, 100)
  return {
    typeflag,
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    linkname: text(block, 157, 257),
    mode: number(100, 108),
    uid: number(108, 116),
    gid: number(116, 124),
    size: number(124, 136),
    mtime: number(136, 148),
    devmajor: isGnu || isUstar ? number(329, 337) : 0,
    devminor: isGnu || isUstar ? number(337, 345) : 0,
    ...(typeflag === 'S' && {
      sparse: {
        extents: decodeSparseExtents(block, 386, 4, position),
        isExtended: block[482] !== 0,
        realSize: number(483, 495),
      },
    }),
  }
}

/** A block of more extents behind an old GNU sparse header. Throws DecodeError. */
export function decodeSparseBlock(block: Buffer, position: number): { extents: SparseExtent[]; isExtended: boolean } {
  return { extents: decodeSparseExtents(block, 0, 21, position), isExtended: block[504] !== 0 }
}

function decodeSparseExtents(block: Buffer, start: number, count: number, position: number): SparseExtent[] {
  const extents: SparseExtent[] = []
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
    const offset = decodeNumber(block.subarray(at, at + 12), position + at)
    const length = decodeNumber(block.subarray(at + 12, at + 24), position + at + 12)
    extents.push({ offset, length })
  }
  return extents
}

function text(block: Buffer, start: number, end: number): Buffer {
  const zero = block.indexOf(0, start)
  return block.subarray(start, zero < 0 || zero > end ? end : zero)
}

/** Octal digits between spaces and NULs, or, with the top bit set, GNU's base 256 (two's complement). */
function decodeNumber(field: Buffer, position: number): number {
  if (field[0]! >= 0x80) return decodeBase256(field, position)
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trimStart()
  if (!/^[0-7]*$/.test(digits)) throw new DecodeError(what, `${JSON.stringify(digits)} is no octal number`, position)
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

function decodeBase256(field: Buffer, position: number): number {
  const isNegative = field[0] === 0xff
  let value = isNegative ? -1n : BigInt(field[0]! & 0x7f)
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte)
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new DecodeError(what, 'a number has more than 53 bits', position)
  return number
}

/** The sum of all bytes with the field itself as spaces; some old programs summed them as signed. */
function checkSum(block: Buffer, position: number): void {
  const field = block.toString('latin1', 148, 156)
  if (!/^ *[0-7]+[\0 ]+/.test(field)) throw new DecodeError(what, 'it has no sum: it is damaged, or no tar', position)
  const said = decodeNumber(block.subarray(148, 156), position + 148)
  let unsigned = 0
  let signed = 0
  for (let at = 0; at < blockBytes; at++) {
    const byte = at >= 148 && at < 156 ? 32 : block[at]!
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  if (said === unsigned || said === signed) return
  throw new DecodeError(what, `its sum is ${unsigned}, not ${said}: it is damaged, or no tar`, position)
}
