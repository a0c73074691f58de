import { DecodeError } from '../bytes/decode-error.ts'

/** RFC 1350 §5, RFC 2347 (OACK). */
export const Opcode = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const

/** RFC 1350 appendix, RFC 2347 §6 (8). */
export const ErrorCode = {
  undefined: 0,
  fileNotFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransferId: 5,
  optionNegotiation: 8,
} as const

export type RequestPacket = {
  kind: 'rrq' | 'wrq'
  /** As it came, UTF-8 decoded; may hold anything but NUL. */
  filename: string
  /** Lower case. */
  mode: string
  /** Names in lower case; the first of a repeated one counts. */
  options: ReadonlyMap<string, string>
}
export type ErrorPacket = { kind: 'error'; code: number; message: string }
export type TftpPacket =
  | RequestPacket
  | ErrorPacket
  | { kind: 'data'; block: number; data: Uint8Array }
  | { kind: 'ack'; block: number }
  | { kind: 'oack'; options: ReadonlyMap<string, string> }

/** Opcode and block number, in front of a block's bytes. */
export const dataHeaderBytes = 4

/** `data` of a DATA packet is a view of the datagram. Throws DecodeError. */
export function decodePacket(datagram: Uint8Array): TftpPacket {
  const opcode = readUint16(datagram, 0, 'opcode')
  switch (opcode) {
    case Opcode.rrq:
    case Opcode.wrq:
      return decodeRequest(opcode === Opcode.rrq ? 'rrq' : 'wrq', datagram)
    case Opcode.data:
      return { kind: 'data', block: readUint16(datagram, 2, 'block number'), data: datagram.subarray(dataHeaderBytes) }
    case Opcode.ack:
      return { kind: 'ack', block: readUint16(datagram, 2, 'block number') }
    case Opcode.error:
      return { kind: 'error', code: readUint16(datagram, 2, 'error code'), message: errorText(datagram) }
    case Opcode.oack:
      return { kind: 'oack', options: optionPairs(readStrings(datagram, 2), datagram.length) }
    default:
      throw new DecodeError('TFTP packet', `opcode ${opcode} is not one`, 0)
  }
}

export function encodePacket(packet: TftpPacket): Buffer {
  switch (packet.kind) {
    case 'rrq':
    case 'wrq':
      return encodeStrings(Opcode[packet.kind], [packet.filename, packet.mode, ...[...packet.options].flat()])
    case 'oack':
      return encodeStrings(Opcode.oack, [...packet.options].flat())
    case 'data':
      return Buffer.concat([header(Opcode.data, packet.block), packet.data])
    case 'ack':
      return header(Opcode.ack, packet.block)
    case 'error':
      return Buffer.concat([header(Opcode.error, packet.code), Buffer.from(`${packet.message}\0`)])
  }
}

/** Writes the four bytes in front of a block that already lies behind them in its datagram. */
export function writeDataHeader(datagram: Buffer, block: number): void {
  datagram.writeUInt16BE(Opcode.data, 0)
  datagram.writeUInt16BE(block, 2)
}

function decodeRequest(kind: 'rrq' | 'wrq', datagram: Uint8Array): RequestPacket {
  const [filename, mode, ...options] = readStrings(datagram, 2)
  if (filename === undefined || mode === undefined) {
    throw new DecodeError('TFTP request', 'it ends before its mode', datagram.length)
  }
  return { kind, filename, mode: mode.toLowerCase(), options: optionPairs(options, datagram.length) }
}

function optionPairs(strings: readonly string[], endOffset: number): Map<string, string> {
  if (strings.length % 2 !== 0) throw new DecodeError('TFTP options', 'the last one has no value', endOffset)
  const options = new Map<string, string>()
  for (let index = 0; index < strings.length; index += 2) {
    const name = strings[index]!.toLowerCase()
    if (!options.has(name)) options.set(name, strings[index + 1]!)
  }
  return options
}

/** The NUL-ended strings from `offset` to the end. */
function readStrings(datagram: Uint8Array, offset: number): string[] {
  const strings: string[] = []
  while (offset < datagram.length) {
    const end = datagram.indexOf(0, offset)
    if (end === -1) throw new DecodeError('TFTP string', 'it has no NUL at its end', offset)
    strings.push(Buffer.from(datagram.buffer, datagram.byteOffset + offset, end - offset).toString('utf8'))
    offset = end + 1
  }
  return strings
}

/** Some clients leave out the message or its NUL. */
function errorText(datagram: Uint8Array): string {
  const end = datagram.indexOf(0, dataHeaderBytes)
  return Buffer.from(datagram.subarray(dataHeaderBytes, end === -1 ? datagram.length : end)).toString('utf8')
}

function readUint16(datagram: Uint8Array, offset: number, what: string): number {
  if (datagram.length < offset + 2) throw new DecodeError(`TFTP ${what}`, `the packet ends before it`, offset)
  return (datagram[offset]! << 8) | datagram[offset + 1]!
}

function encodeStrings(opcode: number, strings: readonly string[]): Buffer {
  const bytes = Buffer.from(`\0\0${strings.map((text) => `${text}\0`).join('')}`)
  bytes.writeUInt16BE(opcode, 0)
  return bytes
}

function header(opcode: number, value: number): Buffer {
  const bytes = Buffer.alloc(dataHeaderBytes)
  bytes.writeUInt16BE(opcode, 0)
  bytes.writeUInt16BE(value, 2)
  return bytes
}
