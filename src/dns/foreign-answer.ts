import { DecodeError } from '../bytes/decode-error.ts'
import { endOfQuestion, headerBytes, layOutMessage, type RecordPlace } from './message-layout.ts'
import { type Query, rcode } from './query.ts'
import { finishReply } from './reply.ts'

/** What an upstream server said, kept as its bytes: record types that nobody here knows go through as they are. */
export type ForeignAnswer = {
  /** Without its OPT record, which speaks of one hop. */
  message: Buffer
  ttlPlaces: readonly number[]
  /** How long it may be kept; 0: not at all. */
  lifetimeSeconds: number
  rcode: number
}

const typeSoa = 6
const typeOpt = 41
const mostSeconds = 86_400
/** RFC 2308 §5 has one to three hours. */
const mostAbsentSeconds = 3 * 3600

/** The id and question of an answer are those of what was sent. */
export function isAnswerTo(message: Buffer, sent: Buffer): boolean {
  const end = endOfQuestion(sent)
  const isResponse = message.length >= end && message[2]! >= 0x80 && message.readUInt16BE(4) === 1
  return (
    isResponse &&
    message.readUInt16BE(0) === sent.readUInt16BE(0) &&
    message.subarray(headerBytes, end).equals(sent.subarray(headerBytes, end))
  )
}

/** Whether the rest of it is to be fetched by TCP. */
export function isCut(message: Buffer): boolean {
  return (message[2]! & 2) !== 0
}

/** Throws DecodeError. */
export function readForeignAnswer(message: Buffer): ForeignAnswer {
  const { records } = layOutMessage(message)
  const option = records.findIndex(({ type }) => type === typeOpt)
  if (option >= 0 && message[records[option]!.ttlAt]! !== 0) {
    throw new DecodeError('DNS answer', `it has the extended code ${message[records[option]!.ttlAt]}`)
  }
  // What stands behind it could point past it; additional records are a courtesy.
  const kept = option < 0 ? records : records.slice(0, option)
  const own = Buffer.from(message.subarray(0, option < 0 ? message.length : records[option]!.at))
  const additional = kept.filter(({ section }) => section === 'additional').length
  if (option >= 0 && records[option]!.section !== 'additional') {
    throw new DecodeError('DNS answer', 'its OPT record is not among the additional ones')
  }
  own.writeUInt16BE(additional, 10)
  const code = own[3]! & 15
  return {
    message: own,
    ttlPlaces: kept.map(({ ttlAt }) => ttlAt),
    lifetimeSeconds: isCut(own) ? 0 : lifetimeOf(own, kept, code),
    rcode: code,
  }
}

/** The shortest TTL; of "no such name" and "no such data" the SOA's (RFC 2308 §5), without which they are not kept. */
function lifetimeOf(message: Buffer, records: readonly RecordPlace[], code: number): number {
  const isPositive = code === rcode.noError && records.some(({ section }) => section === 'answer')
  if (!isPositive && code !== rcode.noError && code !== rcode.noSuchName) return 0
  const shortest = Math.min(mostSeconds, ...records.map(({ ttlAt }) => readTtl(message, ttlAt)))
  const hasData = isPositive && code === rcode.noError
  const soa = records.find(({ section, type }) => section === 'authority' && type === typeSoa)
  if (!soa) return hasData ? shortest : 0
  if (soa.end - soa.dataAt < 22) throw new DecodeError('SOA record', 'it is cut off', soa.dataAt)
  const minimum = readTtl(message, soa.end - 4)
  return hasData ? shortest : Math.min(shortest, minimum, mostAbsentSeconds)
}

/** RFC 2181 §8: with the highest bit set it is 0. */
function readTtl(message: Buffer, at: number): number {
  const ttl = message.readUInt32BE(at)
  return ttl > 0x7fffffff ? 0 : ttl
}

/** As the asker gets it: his id and spelling of the name, TTLs as much less as it is older. */
export function encodeForeignAnswer(
  query: Query,
  { message, ttlPlaces }: ForeignAnswer,
  { ageSeconds, longestBytes }: { ageSeconds: number; longestBytes: number },
): Buffer {
  const reply = Buffer.from(message)
  reply.writeUInt16BE(query.id, 0)
  // QR, RD as asked, RA, the code; neither AA nor AD, which are the other server's word.
  reply[2] = 0x80 | (query.isRecursionDesired ? 1 : 0)
  reply[3] = 0x80 | (query.isCheckingDisabled ? 0x10 : 0) | (reply[3]! & 15)
  query.question.copy(reply, headerBytes)
  for (const at of ttlPlaces) reply.writeUInt32BE(Math.max(0, readTtl(reply, at) - ageSeconds), at)
  return finishReply(query, reply, longestBytes)
}
