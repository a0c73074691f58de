import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBroadcast, makeContext } from '../../test/fixtures/dhcp-request.ts'
import { readPcap } from '../../test/fixtures/read-pcap.ts'
import { DecodeError } from '../bytes/decode-error.ts'
import { parseSubnet } from '../bytes/ipv4.ts'
import { decodeFrame } from '../net/pcap.ts'
import { chooseSubnet } from './choose-subnet.ts'
import { decide } from './decide.ts'
import type { DatagramSource, Decision } from './decision.ts'
import { describeMessage } from './describe-message.ts'
import { formatMessage } from './format-message.ts'
import { identify } from './identify.ts'
import { decodeMessage, encodeMessage, MessageTooLarge } from './message.ts'
import { readRelayInformation } from './relay.ts'
import { makeSubnetConfig } from './subnet-config.ts'

/** A million with LONG=1. */
const rounds = process.env.LONG === '1' ? 1_000_000 : 20_000
const fixtures = join(import.meta.dirname, '../../test/fixtures/dhcp')
const names = ['udhcpc', 'dhclient', 'ipxe-rom-bios', 'ovmf-pxe', 'ovmf-http']
const datagrams = (await Promise.all(names.map((name) => readPcap(join(fixtures, `${name}.pcap`))))).flat()
const packets = datagrams.map(({ payload }) => payload).filter((payload) => payload.length > 0)

/** The same numbers at every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

/** A real packet, cut, with some bytes changed, or with options of our making behind it. */
function damage(packet: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = Uint8Array.from(packet)
  if (random(8) === 0) return Uint8Array.from({ length: random(600) }, () => random(256))
  for (let count = random(6); count >= 0; count--) bytes[random(bytes.length)] = random(256)
  if (random(3) === 0 && bytes.length > 244) {
    for (let at = 240; at < bytes.length; at++) if (random(4) === 0) bytes[at] = random(256)
  }
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes
}

function survives(work: () => void, allowed: readonly (abstract new (...values: never[]) => Error)[]): void {
  try {
    work()
  } catch (error) {
    if (!allowed.some((kind) => error instanceof kind)) throw error
  }
}

const context = makeContext()
const subnets = [context.config, makeSubnetConfig({ ...context.config, subnet: parseSubnet('10.8.0.0/24'), pools: [] })]
const sources: DatagramSource[] = [
  fromBroadcast,
  { address: '10.8.0.7', port: 68, isUnicast: true, localPort: 67 },
  { address: '10.9.0.7', port: 4011, isUnicast: true, localPort: 4011 },
]

function encoded(decision: Decision): void {
  if (decision.kind === 'reply') decodeMessage(encodeMessage(decision.message, decision.maximumBytes))
}

test(`${rounds} damaged packets are answered, ignored or refused with DecodeError, in every mode`, () => {
  const random = randomNumbers(7)
  for (let round = 0; round < rounds; round++) {
    const packet = damage(packets[random(packets.length)]!, random)
    survives(() => {
      const source = sources[random(sources.length)]!
      const request = identify(decodeMessage(packet), source, context.directory)
      if (!request) return
      const choice = chooseSubnet(request, subnets)
      if (choice.kind === 'subnet') encoded(decide(request, { ...context, config: choice.config }, 'authoritative'))
      encoded(decide(request, context, 'proxy'))
    }, [DecodeError, MessageTooLarge])
  }
})

test(`${rounds} damaged packets are told in words and lines, safe to print`, () => {
  const random = randomNumbers(11)
  for (let round = 0; round < rounds; round++) {
    const packet = damage(packets[random(packets.length)]!, random)
    survives(() => {
      const message = decodeMessage(packet)
      readRelayInformation(message)
      const text = formatMessage(message) + describeMessage(message)
      assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u)
    }, [DecodeError])
  }
})

test(`${rounds} damaged frames of a capture are datagrams or nothing`, () => {
  const random = randomNumbers(13)
  const frame = Buffer.alloc(14 + 20 + 8 + 300)
  frame.writeUInt16BE(0x0800, 12)
  frame[14] = 0x45
  frame[23] = 17
  for (let round = 0; round < rounds; round++) decodeFrame(Buffer.from(damage(frame, random)))
})
