import { DecodeError } from '../../bytes/decode-error.ts'

/*
 * A send stream's commands: length of the data, u32; command, u16; CRC-32C of all of it with zeros in the CRC's place, u32;
 * then the data as attributes: type, u16; length, u16; value (linux/fs/btrfs/send.h). All little-endian.
 */

const headerBytes = 10
const crcOffset = 6
const command = { utimes: 20, end: 21 }
const attribute = { ctime: 9, mtime: 10, atime: 11, path: 15 }

/** Nanoseconds since the epoch. */
export type Times = { atimeNs: bigint; mtimeNs: bigint; ctimeNs: bigint }

/**
 * A differential stream makes new files in the root directory and renames them to where they belong, and does not set the
 * root's times again when nothing else changed in it (seen with Linux 6.18). So the stream gets one more command, before
 * its last. Throws DecodeError when the last command is not the end.
 */
export async function* withRootTimes(stream: AsyncIterable<Buffer>, times: Times): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0)
  for await (const part of stream) {
    const joined = held.length === 0 ? part : Buffer.concat([held, part])
    const cut = Math.max(0, joined.length - headerBytes)
    if (cut > 0) yield joined.subarray(0, cut)
    held = joined.subarray(cut)
  }
  if (!held.equals(encodeCommand(command.end, Buffer.alloc(0)))) {
    throw new DecodeError('btrfs send stream', 'its last command is not the end')
  }
  yield Buffer.concat([encodeUtimes(times), held])
}

/** Of the root: its path is empty. */
function encodeUtimes({ atimeNs, mtimeNs, ctimeNs }: Times): Buffer {
  const attributes = [
    encodeAttribute(attribute.path, Buffer.alloc(0)),
    encodeAttribute(attribute.atime, encodeTime(atimeNs)),
    encodeAttribute(attribute.mtime, encodeTime(mtimeNs)),
    encodeAttribute(attribute.ctime, encodeTime(ctimeNs)),
  ]
  return encodeCommand(command.utimes, Buffer.concat(attributes))
}

function encodeTime(timeNs: bigint): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigInt64LE((timeNs - nanosecondsOf(timeNs)) / 1_000_000_000n)
  bytes.writeUInt32LE(Number(nanosecondsOf(timeNs)), 8)
  return bytes
}

/** Never negative, also before the epoch. */
function nanosecondsOf(timeNs: bigint): bigint {
  return ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
}

function encodeAttribute(type: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt16LE(type)
  header.writeUInt16LE(value.length, 2)
  return Buffer.concat([header, value])
}

function encodeCommand(type: number, data: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(headerBytes), data])
  bytes.writeUInt32LE(data.length)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt32LE(crc32c(bytes), crcOffset)
  return bytes
}

/** Castagnoli's polynomial, reflected; as btrfs uses it, from 0 and without the final inversion. For short inputs. */
function crc32c(bytes: Buffer): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return crc >>> 0
}
