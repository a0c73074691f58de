/*
 * Network block device, as far as QEMU needs it of a server: the fixed newstyle handshake with NBD_OPT_GO, and simple
 * replies (NetworkBlockDevice/nbd, doc/proto.md). Names are the protocol's, numbers are big-endian.
 */
import { DecodeError } from '../bytes/decode-error.ts'

const NBDMAGIC = 0x4e42444d41474943n
const IHAVEOPT = 0x49484156454f5054n
const optionReplyMagic = 0x3e889045565a9n
const requestMagic = 0x25609513
const simpleReplyMagic = 0x67446698

export const Option = { EXPORT_NAME: 1, ABORT: 2, INFO: 6, GO: 7 } as const
export const OptionReply = { ACK: 1, INFO: 3, ERR_UNSUP: 2 ** 31 + 1 } as const
export const Command = { READ: 0, WRITE: 1, DISC: 2, FLUSH: 3, TRIM: 4, WRITE_ZEROES: 6 } as const
export const CommandFlag = { FUA: 1 } as const
export const ErrorCode = { none: 0, EIO: 5, EINVAL: 22 } as const

/** HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES. */
const transmissionFlags = 1 | 4 | 8 | 32 | 64
/** FIXED_NEWSTYLE, NO_ZEROES. */
const handshakeFlags = 1 | 2
const infoExport = 0

export const clientFlagsBytes = 4
export const optionHeaderBytes = 16
export const requestBytes = 28

export type OptionHeader = { option: number; length: number }
export type Request = { flags: number; type: number; handle: bigint; offset: number; length: number }

export function encodeGreeting(): Buffer {
  const bytes = Buffer.alloc(18)
  bytes.writeBigUInt64BE(NBDMAGIC, 0)
  bytes.writeBigUInt64BE(IHAVEOPT, 8)
  bytes.writeUInt16BE(handshakeFlags, 16)
  return bytes
}

/** Throws DecodeError. */
export function decodeOptionHeader(bytes: Buffer): OptionHeader {
  if (bytes.length < optionHeaderBytes || bytes.readBigUInt64BE(0) !== IHAVEOPT) {
    throw new DecodeError('NBD option', 'it does not begin with IHAVEOPT')
  }
  return { option: bytes.readUInt32BE(8), length: bytes.readUInt32BE(12) }
}

export function encodeOptionReply(option: number, reply: number, data: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(20)
  head.writeBigUInt64BE(optionReplyMagic, 0)
  head.writeUInt32BE(option, 8)
  head.writeUInt32BE(reply, 12)
  head.writeUInt32BE(data.length, 16)
  return Buffer.concat([head, data])
}

/** NBD_INFO_EXPORT. */
export function encodeExportInfo(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt16BE(infoExport, 0)
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 2)
  bytes.writeUInt16BE(transmissionFlags, 10)
  return bytes
}

/** Throws DecodeError. */
export function decodeRequest(bytes: Buffer): Request {
  if (bytes.length < requestBytes || bytes.readUInt32BE(0) !== requestMagic) {
    throw new DecodeError('NBD request', 'it does not begin with its magic number')
  }
  return {
    flags: bytes.readUInt16BE(4),
    type: bytes.readUInt16BE(6),
    handle: bytes.readBigUInt64BE(8),
    offset: Number(bytes.readBigUInt64BE(16)),
    length: bytes.readUInt32BE(24),
  }
}

export function encodeReply(handle: bigint, error: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(simpleReplyMagic, 0)
  bytes.writeUInt32BE(error, 4)
  bytes.writeBigUInt64BE(handle, 8)
  return bytes
}
