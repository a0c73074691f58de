import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest } from '../../test/fixtures/dhcp-request.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { decodeMessage, encodeMessage, type Message, MessageTooLarge } from './message.ts'
import { Option } from './option.ts'
import { decodeText, encodeText, OptionTooLong } from './options.ts'

function message(options: [number, Uint8Array][], fields: Partial<Message> = {}): Message {
  return makeRequest(makeContext(), { options, fields }).message
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index)

test('encodeMessage() splits a long option that may be split, and decodeMessage() joins it', () => {
  const routes = bytes(600)
  const packet = encodeMessage(message([[Option.classlessRoutes, routes]]), 1472)
  assert.deepEqual(Uint8Array.from(decodeMessage(packet).options.get(Option.classlessRoutes)!), routes)
  assert.equal(packet[packet.indexOf(Option.classlessRoutes, 240) + 1], 255)
})

test('encodeMessage() refuses a long option that clients do not join', () => {
  assert.throws(() => encodeMessage(message([[Option.hostName, bytes(256)]]), 1472), OptionTooLong)
})

test('encodeMessage() moves options to sname when they do not fit, and says so', () => {
  const options: [number, Uint8Array][] = [
    [Option.vendorSpecific, bytes(250)],
    [Option.domainName, encodeText('d'.repeat(55))],
    [Option.bootFileName, encodeText('loader')],
  ]
  const tight = encodeMessage(message(options, { file: 'loader' }), 548)
  const read = decodeMessage(tight)
  assert.ok(tight.length <= 548)
  assert.deepEqual([...read.options.get(Option.overload)!], [2])
  assert.equal(decodeText(read.options, Option.domainName), 'd'.repeat(55))
  assert.deepEqual([read.file, read.sname], ['loader', ''], 'the boot file stays where ROMs look')
  const roomy = decodeMessage(encodeMessage(message(options, { file: 'loader' }), 576))
  assert.equal(roomy.options.has(Option.overload), false)
})

test('encodeMessage() says when the client cannot take it', () => {
  const options: [number, Uint8Array][] = [
    [Option.vendorSpecific, bytes(250)],
    [Option.domainSearch, bytes(250)],
  ]
  assert.throws(() => encodeMessage(message(options), 548), MessageTooLarge)
})

test('decodeMessage() reads overloaded file and sname, file first', () => {
  const packet = encodeMessage(message([[Option.overload, Uint8Array.of(3)]]))
  packet.set([Option.hostName, 2, 0x61, 0x62, 255], 108)
  packet.set([Option.hostName, 1, 0x63, 255], 44)
  const read = decodeMessage(packet)
  assert.equal(decodeText(read.options, Option.hostName), 'abc')
  assert.deepEqual([read.file, read.sname], ['', ''])
})

const broken: [what: string, change: (packet: Uint8Array) => Uint8Array][] = [
  ['239 bytes', (packet) => packet.subarray(0, 239)],
  ['op 3', (packet) => packet.with(0, 3)],
  ['hlen 17', (packet) => packet.with(2, 17)],
  ['no cookie', (packet) => packet.with(236, 0)],
  ['an option that leads out', (packet) => packet.with(packet.length - 2, 12).with(packet.length - 1, 9)],
]

for (const [what, change] of broken) {
  test(`decodeMessage() refuses ${what}`, () => {
    const packet = encodeMessage(message([]))
    // Without END the reader looks at every byte.
    packet[packet.indexOf(255, 240)] = 0
    assert.throws(() => decodeMessage(change(packet)), DecodeError)
  })
}

test('decodeMessage() takes options that end without END', () => {
  const packet = encodeMessage(message([]))
  packet[packet.indexOf(255, 240)] = 0
  assert.equal(decodeMessage(packet).options.size, 1)
})

test('decodeMessage() takes BOOTP of 1985, which has no cookie', () => {
  const packet = encodeMessage(message([])).fill(0, 236)
  const read = decodeMessage(packet)
  assert.deepEqual([read.op, read.options.size], [1, 0])
})
