import { type Answer, AUTHORITATIVE_ANSWER, encode, RECURSION_AVAILABLE, RECURSION_DESIRED } from 'dns-packet'
import { endOfQuestion, headerBytes } from './message-layout.ts'
import { type Query, type Rcode, rcode } from './query.ts'

/** What is answered of our own knowledge. */
export type Reply = {
  rcode: Rcode
  isAuthoritative: boolean
  answers: Answer[]
  authorities: Answer[]
}

/** What every path carries in one piece (DNS flag day 2020); more goes by TCP. */
export const payloadBytes = 1232
const plainPayloadBytes = 512
export const streamBytes = 65_535

/** Of an answer by UDP. */
export function longestDatagram({ edns }: Query): number {
  return edns ? Math.min(Math.max(edns.payloadBytes, plainPayloadBytes), payloadBytes) : plainPayloadBytes
}

export function refusal(code: Rcode): Reply {
  return { rcode: code, isAuthoritative: false, answers: [], authorities: [] }
}

/** With TC set and nothing in it where it would be longer than that. */
export function encodeReply(query: Query, reply: Reply, { isForwarder = false, longestBytes = streamBytes }): Buffer {
  const { answers, authorities } = reply
  const flags =
    (reply.isAuthoritative ? AUTHORITATIVE_ANSWER : 0) |
    (query.isRecursionDesired ? RECURSION_DESIRED : 0) |
    (isForwarder ? RECURSION_AVAILABLE : 0) |
    (reply.rcode & 15)
  const records = encode({ answers, authorities }).subarray(headerBytes)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(query.id, 0)
  header.writeUInt16BE(0x8000 | flags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(answers.length, 6)
  header.writeUInt16BE(authorities.length, 8)
  return finishReply(query, Buffer.concat([header, query.question, records]), longestBytes, reply.rcode)
}

/** Says what the asker may say of EDNS, and cuts what is too long for its way: the asker comes back by TCP. */
export function finishReply(query: Query, message: Buffer, longestBytes: number, code: number = rcode.noError): Buffer {
  const option = optionRecord(query, code)
  const isTooLong = message.length + option.length > longestBytes
  const kept = isTooLong ? Buffer.from(message.subarray(0, endOfQuestion(message))) : message
  if (isTooLong) {
    kept.fill(0, 6, headerBytes)
    kept[2]! |= 2
  }
  kept.writeUInt16BE(kept.readUInt16BE(10) + (option.length > 0 ? 1 : 0), 10)
  return Buffer.concat([kept, option])
}

/** OPT (RFC 6891 §6.1.2): root, type 41, our size, upper bits of the code, version 0, DO as it was asked. */
function optionRecord({ edns }: Pick<Query, 'edns'>, code: number): Uint8Array {
  if (!edns) return new Uint8Array(0)
  const flag = edns.wantsSignatures ? 0x80 : 0
  return Uint8Array.of(0, 0, 41, payloadBytes >> 8, payloadBytes & 255, code >> 4, 0, flag, 0, 0, 0)
}

/** The question as an upstream server is asked it, under an id of our own. */
export function encodeQuestion({ question, isCheckingDisabled, edns }: Query, id: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(RECURSION_DESIRED | (isCheckingDisabled ? 0x10 : 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(1, 10)
  const ours = { payloadBytes, version: 0, wantsSignatures: edns?.wantsSignatures ?? false }
  return Buffer.concat([header, question, optionRecord({ edns: ours }, 0)])
}
