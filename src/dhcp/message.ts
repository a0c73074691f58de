import { ByteReader } from '../bytes/byte-reader.ts'
import { ByteWriter } from '../bytes/byte-writer.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { type Ipv4, ipv4FromBytes } from '../bytes/ipv4.ts'
import { Option } from './option.ts'
import {
  decodeU8,
  encodeText,
  encodeU8,
  type Options,
  optionSizeBytes,
  orderOptions,
  readOptions,
  writeOption,
} from './options.ts'

/** A DHCP message (RFC 2131 §2) with its fields' names from there. */
export type Message = {
  /** 1 request, 2 reply. */
  op: 1 | 2
  htype: number
  hops: number
  xid: number
  secs: number
  /** Bit 15 is the broadcast flag. */
  flags: number
  ciaddr: Ipv4
  yiaddr: Ipv4
  siaddr: Ipv4
  giaddr: Ipv4
  /** As many bytes as `hlen` said, at most 16. */
  chaddr: Uint8Array
  /** Text up to its NUL; empty where the field holds options (overload). */
  sname: string
  file: string
  /** Absent option 53 means BOOTP. */
  options: Options
}

export const broadcastFlag = 0x8000

const magicCookie = 0x63825363
const snameOffset = 44
const fileOffset = 108
const optionsOffset = 240
/** BOOTP's size (RFC 951): some clients drop anything shorter. */
const minimumReplyBytes = 300

/**
 * Reads a message. Views into `packet`, which the caller leaves alone as long as the message lives. Throws DecodeError
 * for what is no DHCP message: too short, `op` or `hlen` impossible, another cookie, options that lead out of it.
 */
export function decodeMessage(packet: Uint8Array): Message {
  const reader = new ByteReader(packet, 'DHCP message')
  const op = reader.u8()
  if (op !== 1 && op !== 2) throw new DecodeError('DHCP message', `op ${op} is neither request nor reply`, 0)
  const htype = reader.u8()
  const hlen = reader.u8()
  if (hlen > 16) throw new DecodeError('DHCP message', `hlen ${hlen} is more than 16`, 2)
  const message = {
    op: op as 1 | 2,
    htype,
    hops: reader.u8(),
    xid: reader.u32(),
    secs: reader.u16(),
    flags: reader.u16(),
    ciaddr: ipv4FromBytes(reader.take(4)),
    yiaddr: ipv4FromBytes(reader.take(4)),
    siaddr: ipv4FromBytes(reader.take(4)),
    giaddr: ipv4FromBytes(reader.take(4)),
    chaddr: reader.take(16).subarray(0, hlen),
  }
  const sname = reader.take(fileOffset - snameOffset)
  const file = reader.take(optionsOffset - 4 - fileOffset)
  const options: Options = new Map()
  const cookie = reader.u32()
  // BOOTP as in RFC 951 has no options and no cookie: its vendor area is unused.
  if (cookie === magicCookie) readOptions(packet.subarray(optionsOffset), options, optionsOffset)
  else if (cookie !== 0) throw new DecodeError('DHCP message', 'no magic cookie', optionsOffset - 4)
  // Overload (RFC 2132 §9.3): the file field is read before sname (RFC 3396 §5).
  const overload = decodeU8(options, Option.overload) ?? 0
  if (overload & 1) readOptions(file, options, fileOffset)
  if (overload & 2) readOptions(sname, options, snameOffset)
  return {
    ...message,
    sname: overload & 2 ? '' : textField(sname),
    file: overload & 1 ? '' : textField(file),
    options,
  }
}

/** Options that do not fit into the size the client allows: our fault, the answer must be made smaller. */
export class MessageTooLarge extends Error {
  override readonly name = 'MessageTooLarge'
  readonly sizeBytes: number

  constructor(sizeBytes: number, maximumBytes: number) {
    super(`Cannot send a DHCP message of ${sizeBytes} bytes: the client takes ${maximumBytes}`)
    this.sizeBytes = sizeBytes
  }
}

/**
 * Writes a message of at most `maximumBytes` (UDP payload) and at least 300. What does not fit into the options field
 * goes to `sname` (overload), never to `file`: too many boot ROMs read the boot file only there. Throws MessageTooLarge.
 */
export function encodeMessage(message: Message, maximumBytes = 548): Uint8Array {
  const all = orderOptions(message.options)
  // BOOTP clients know no overload.
  const snameIsFree = message.sname === '' && message.options.has(Option.messageType)
  const layout = layOut(all, snameIsFree, maximumBytes)
  const writer = new ByteWriter(Math.max(maximumBytes, minimumReplyBytes))
  writeHeader(writer, message, layout.inSname)
  if (layout.inSname.length > 0) writeOption(writer, Option.overload, encodeU8(2))
  for (const [code, value] of layout.inOptions) writeOption(writer, code, value)
  writer.u8(Option.end)
  return writer.finish(minimumReplyBytes)
}

/** What a message of so many bytes has for options, END and an overload option aside. `sname` is not counted. */
export function optionsRoomBytes(maximumBytes: number): number {
  return maximumBytes - optionsOffset - 1
}

type Entry = [code: number, value: Uint8Array]

function layOut(all: Entry[], snameIsFree: boolean, maximumBytes: number): { inOptions: Entry[]; inSname: Entry[] } {
  const total = all.reduce((sum, [, value]) => sum + optionSizeBytes(value), 0)
  if (optionsOffset + total + 1 <= maximumBytes) return { inOptions: all, inSname: [] }
  const inSname: Entry[] = []
  let snameLeft = snameIsFree ? fileOffset - snameOffset - 1 : 0
  let excess = optionsOffset + total + 1 + 3 - maximumBytes
  // From the back, but not the relay's: it stays last in the options field.
  for (const entry of all.toReversed()) {
    const size = optionSizeBytes(entry[1])
    if (excess <= 0 || size > snameLeft || mustStayInOptions.has(entry[0])) continue
    inSname.push(entry)
    snameLeft -= size
    excess -= size
  }
  if (excess > 0) throw new MessageTooLarge(optionsOffset + total + 1, maximumBytes)
  return { inOptions: all.filter((entry) => !inSname.includes(entry)), inSname }
}

const mustStayInOptions: ReadonlySet<number> = new Set([
  Option.messageType,
  Option.serverIdentifier,
  Option.leaseSeconds,
  Option.bootFileName,
  Option.relayAgentInformation,
])

function writeHeader(writer: ByteWriter, message: Message, inSname: Entry[]): void {
  writer.u8(message.op)
  writer.u8(message.htype)
  writer.u8(message.chaddr.length)
  writer.u8(message.hops)
  writer.u32(message.xid)
  writer.u16(message.secs)
  writer.u16(message.flags)
  for (const address of [message.ciaddr, message.yiaddr, message.siaddr, message.giaddr]) writer.u32(address)
  writer.putPadded(message.chaddr, 16)
  const sname = new ByteWriter(fileOffset - snameOffset)
  for (const [code, value] of inSname) writeOption(sname, code, value)
  if (inSname.length > 0) sname.u8(Option.end)
  else sname.put(encodeText(message.sname))
  writer.putPadded(sname.finish(), fileOffset - snameOffset)
  writer.putPadded(encodeText(message.file), optionsOffset - 4 - fileOffset)
  writer.u32(magicCookie)
}

/** The longest text that `file` holds with a NUL behind it. */
export const fileTextBytes = optionsOffset - 4 - fileOffset - 1

function textField(field: Uint8Array): string {
  const end = field.indexOf(0)
  const text = end === -1 ? field : field.subarray(0, end)
  return Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1')
}
