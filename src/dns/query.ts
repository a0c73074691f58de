import { type DecodedPacket, decode, encode } from 'dns-packet'
import { DecodeError } from '../bytes/decode-error.ts'
import { endOfQuestion, headerBytes } from './message-layout.ts'

/** What is asked, whoever asks. */
export type Query = {
  id: number
  isRecursionDesired: boolean
  /** The asker validates by himself (RFC 4035 §3.2.2). */
  isCheckingDisabled: boolean
  /** Name, type and class as they came: an answer repeats them byte by byte. */
  question: Buffer
  /** Lower case, without a final dot; undefined for one that text cannot say, such as a label with a dot in it. */
  name: string | undefined
  /** `A`, or `UNKNOWN_65280` for one that has no name here. */
  type: string
  isInternet: boolean
  /** RFC 6891; absent where the asker knows nothing of it. */
  edns?: { payloadBytes: number; version: number; wantsSignatures: boolean }
}

/** RFC 1035 §4.1.1, RFC 6891 §9. */
export const rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const
export type Rcode = (typeof rcode)[keyof typeof rcode]

const classInternet = 1

/**
 * A datagram, or a message of a TCP connection: `refuse` is answered with its bytes, which are a header alone. No bytes make it
 * throw.
 */
export function readQuery(
  message: Buffer,
): { kind: 'query'; query: Query } | { kind: 'refuse'; reply: Buffer } | { kind: 'ignore' } {
  const isResponse = (message[2] ?? 0x80) >= 0x80
  if (message.length < headerBytes || isResponse) return { kind: 'ignore' }
  const opcode = (message[2]! >> 3) & 15
  if (opcode !== 0) return { kind: 'refuse', reply: bareReply(message, rcode.notImplemented) }
  try {
    return { kind: 'query', query: decodeQuery(message) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { kind: 'refuse', reply: bareReply(message, rcode.formatError) }
  }
}

/** Throws DecodeError. */
export function decodeQuery(message: Buffer): Query {
  const question = Buffer.from(message.subarray(headerBytes, endOfQuestion(message)))
  const packet = decodePacket(message)
  const { name, type } = packet.questions![0]!
  const edns = (packet.additionals ?? []).find((each) => each.type === 'OPT')
  const isInternet = question.readUInt16BE(question.length - 2) === classInternet
  return {
    id: message.readUInt16BE(0),
    isRecursionDesired: packet.flag_rd,
    isCheckingDisabled: packet.flag_cd,
    question,
    name: isInternet && isPlain(packet, question) ? plainName(name) : undefined,
    type,
    isInternet,
    ...(edns && {
      edns: { payloadBytes: edns.udpPayloadSize, version: edns.ednsVersion, wantsSignatures: edns.flag_do },
    }),
  }
}

/** dns-packet throws errors of every kind. */
function decodePacket(message: Buffer): DecodedPacket {
  try {
    return decode(message)
  } catch (error) {
    throw new DecodeError('DNS message', (error as Error).message)
  }
}

/** The decoded text says the same as the bytes. */
function isPlain({ questions = [] }: DecodedPacket, question: Buffer): boolean {
  return encode({ questions }).subarray(headerBytes).equals(question)
}

function plainName(name: string): string {
  return name === '.' ? '' : name.toLowerCase()
}

/** The header alone, where what is behind it cannot be read. */
function bareReply(message: Buffer, code: number): Buffer {
  const reply = Buffer.alloc(headerBytes)
  message.copy(reply, 0, 0, 3)
  reply[2] = 0x80 | (reply[2]! & 0x79)
  reply[3] = code
  return reply
}
