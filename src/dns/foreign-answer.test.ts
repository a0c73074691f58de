import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, decode, encode, RECURSION_DESIRED } from 'dns-packet'
import { AnswerCache, cacheKey } from './answer-cache.ts'
import { encodeForeignAnswer, isAnswerTo, readForeignAnswer } from './foreign-answer.ts'
import { decodeQuery, type Query } from './query.ts'
import { encodeQuestion, encodeReply, longestDatagram, refusal, streamBytes } from './reply.ts'

const soa = (ttl: number, minimum: number): Answer => ({
  ...{ type: 'SOA', name: 'example', ttl },
  data: { mname: 'ns.example', rname: 'h.example', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
})
const a = (ttl: number): Answer => ({ type: 'A', name: 'www.example', ttl, data: '192.0.2.1' })
const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, extendedRcode: 0 } as Answer

function queryFor(name: string, additionals: Answer[] = []): Query {
  const questions = [{ name, type: 'A' as const }]
  return decodeQuery(Buffer.from(encode({ id: 7, flags: RECURSION_DESIRED, questions, additionals })))
}

function answerOf(code: number, answers: Answer[], authorities: Answer[] = [], additionals: Answer[] = []): Buffer {
  const questions = [{ name: 'www.example', type: 'A' as const }]
  return Buffer.from(encode({ type: 'response', id: 9, flags: code, questions, answers, authorities, additionals }))
}

for (const [expected, message, why] of [
  [30, answerOf(0, [a(300), a(30)]), 'the shortest TTL'],
  [86_400, answerOf(0, [a(9_000_000)]), 'a day at most'],
  [0, answerOf(0, [a(0x80000000)]), 'a TTL with the highest bit set'],
  [60, answerOf(3, [], [soa(900, 60)]), 'no such name: the SOA'],
  [20, answerOf(0, [], [soa(20, 60)]), "no such data: the SOA's own TTL where it is less"],
  [10_800, answerOf(3, [], [soa(90_000, 90_000)]), 'no such name: three hours at most'],
  [0, answerOf(3, []), 'no such name without an SOA'],
  [0, answerOf(0, []), 'nothing at all'],
  [0, answerOf(2, [a(300)]), 'a server failure'],
] as const) {
  test(`readForeignAnswer() keeps an answer for ${expected} s: ${why}`, () => {
    assert.equal(readForeignAnswer(message).lifetimeSeconds, expected)
  })
}

test('readForeignAnswer() drops OPT and what stands behind it', () => {
  const extra: Answer = { type: 'A', name: 'ns.example', ttl: 9, data: '192.0.2.9' }
  const read = readForeignAnswer(answerOf(0, [a(300)], [], [extra, opt, extra]))
  assert.deepEqual(
    decode(read.message).additionals?.map(({ type }) => type),
    ['A'],
  )
})

test('encodeForeignAnswer() gives each asker his id, his spelling and what is left of the TTL', () => {
  const read = readForeignAnswer(answerOf(0x400 | 0x20, [a(300)]))
  const query = queryFor('WWW.example', [opt])
  const sent = decode(encodeForeignAnswer(query, read, { ageSeconds: 100, longestBytes: streamBytes }))
  const [answer] = sent.answers as { ttl: number }[]
  assert.deepEqual([sent.id, sent.questions?.[0]?.name, answer?.ttl], [7, 'WWW.example', 200])
  assert.deepEqual([sent.flag_aa, sent.flag_ad, sent.flag_ra, sent.flag_rd], [false, false, true, true])
  assert.deepEqual(
    sent.additionals?.map(({ type }) => type),
    ['OPT'],
  )
})

test('encodeForeignAnswer() sends TC and the question alone when it is too long', () => {
  const read = readForeignAnswer(
    answerOf(
      0,
      Array.from({ length: 60 }, () => a(300)),
    ),
  )
  for (const [query, longestBytes] of [
    [queryFor('www.example'), 512],
    [queryFor('www.example', [opt]), 1232],
  ] as const) {
    assert.equal(longestDatagram(query), longestBytes)
    const bytes = encodeForeignAnswer(query, read, { ageSeconds: 0, longestBytes })
    const sent = decode(bytes)
    assert.ok(bytes.length <= longestBytes)
    assert.deepEqual([sent.flag_tc, sent.answers?.length, sent.questions?.length], [true, 0, 1])
  }
})

test('isAnswerTo() takes the same id and question alone', () => {
  const sent = encodeQuestion(queryFor('www.example'), 9)
  assert.ok(isAnswerTo(answerOf(0, [a(1)]), sent))
  assert.ok(!isAnswerTo(answerOf(0, [a(1)]), encodeQuestion(queryFor('www.example'), 10)))
  assert.ok(!isAnswerTo(answerOf(0, [a(1)]), encodeQuestion(queryFor('xww.example'), 9)))
  assert.ok(!isAnswerTo(sent, sent), 'a question is no answer')
})

test('encodeReply() repeats a question that text cannot say', () => {
  const bytes = Buffer.from(encode({ id: 5, questions: [{ name: 'axb.example', type: 'A' }] }))
  bytes[14] = 0x2e
  const query = decodeQuery(bytes)
  assert.equal(query.name, undefined)
  const sent = encodeReply(query, refusal(5), {})
  assert.ok(sent.subarray(12).equals(bytes.subarray(12)))
})

test('AnswerCache keeps answers until they end, and of too many those last asked for', () => {
  const cache = new AnswerCache(2)
  const answer = readForeignAnswer(answerOf(0, [a(30)]))
  cache.put('one', answer, 0)
  cache.put('two', answer, 0)
  assert.equal(cache.get('one', 29_999)?.ageSeconds, 29)
  cache.put('three', answer, 0)
  assert.equal(cache.size, 2)
  assert.equal(cache.get('two', 1), undefined)
  assert.equal(cache.get('one', 30_000), undefined)
})

test('cacheKey() tells apart what is signed, and not how a name is spelt', () => {
  const signed = { ...opt, flags: 0x8000 } as Answer
  assert.equal(cacheKey(queryFor('www.EXAMPLE')), cacheKey(queryFor('www.example', [opt])))
  assert.notEqual(cacheKey(queryFor('www.example')), cacheKey(queryFor('www.example', [signed])))
})
