import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Check } from 'typebox/value'
import { decodeCdp } from '../../src/agent/surroundings/cdp.ts'
import { decodeLldp } from '../../src/agent/surroundings/lldp.ts'
import { mintBootToken, readBootToken } from '../../src/boot/boot-token.ts'
import { routeButterknife } from '../../src/butterknife/butterknife-route.ts'
import { parseIpv4, parseSubnet } from '../../src/bytes/ipv4.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import { decideRange } from '../../src/content/byte-range.ts'
import { routeContent } from '../../src/content/content-route.ts'
import { Neighbour } from '../../src/core/inventory.ts'
import { chooseSubnet } from '../../src/dhcp/choose-subnet.ts'
import { decide } from '../../src/dhcp/decide.ts'
import type { DatagramSource, Decision } from '../../src/dhcp/decision.ts'
import { describeMessage } from '../../src/dhcp/describe-message.ts'
import { formatMessage } from '../../src/dhcp/format-message.ts'
import { identify } from '../../src/dhcp/identify.ts'
import { decodeMessage, encodeMessage, MessageTooLarge } from '../../src/dhcp/message.ts'
import { decodeNetBootMessage } from '../../src/dhcp/net-boot-message.ts'
import { readRelayInformation } from '../../src/dhcp/relay.ts'
import { makeSubnetConfig } from '../../src/dhcp/subnet-config.ts'
import { decodeArpSender, encodeArpProbe } from '../../src/net/arp.ts'
import { decodeFrame, readPcap as readCapture } from '../../src/net/pcap.ts'
import {
  decodeLeaseRecord,
  encodeLeaseRecord,
  leaseRecordBytes,
  longestRecordBytes,
  unitBytes,
} from '../../src/store/lease-record.ts'
import { decodePacket, encodePacket } from '../../src/tftp/packet.ts'
import { fromBroadcast, makeContext } from '../fixtures/dhcp-request.ts'
import { firstFrame } from '../fixtures/first-frame.ts'
import { readPcap } from '../fixtures/read-pcap.ts'
import type { FuzzTarget } from './fuzz.ts'

const fixtures = join(import.meta.dirname, '../fixtures/dhcp')
const names = ['udhcpc', 'dhclient', 'ipxe-rom-bios', 'ovmf-pxe', 'ovmf-http']
const datagrams = (await Promise.all(names.map((name) => readPcap(join(fixtures, `${name}.pcap`))))).flat()
const packets = datagrams.map(({ payload }) => payload).filter((payload) => payload.length > 0)
const captures = names.map((name) => readFileSync(join(fixtures, `${name}.pcap`)).subarray(0, 1500))

const context = makeContext()
const subnets = [context.config, makeSubnetConfig({ ...context.config, subnet: parseSubnet('10.8.0.0/24'), pools: [] })]
const sources: DatagramSource[] = [
  fromBroadcast,
  { address: '10.8.0.7', port: 68, isUnicast: true, localPort: 67 },
  { address: '10.9.0.7', port: 4011, isUnicast: true, localPort: 4011 },
]

function answer(packet: Buffer, random: (below: number) => number): void {
  const source = sources[random(sources.length)]!
  const request = identify(decodeMessage(packet), source, context.directory)
  if (!request) return
  const choice = chooseSubnet(request, subnets)
  if (choice.kind === 'subnet') encode(decide(request, { ...context, config: choice.config }, 'authoritative'))
  encode(decide(request, context, 'proxy'))
}

function encode(decision: Decision): void {
  if (decision.kind === 'reply') decodeMessage(encodeMessage(decision.message, decision.maximumBytes))
}

function show(packet: Buffer): void {
  const message = decodeMessage(packet)
  readRelayInformation(message)
  const text = formatMessage(message) + describeMessage(message)
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u, 'safe to print')
}

async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, 40)
  yield bytes.subarray(40)
}

const tftpPackets = [
  encodePacket({
    kind: 'rrq',
    filename: 'ipxe/undionly.kpxe',
    mode: 'octet',
    options: new Map(Object.entries({ tsize: '0', blksize: '1432', windowsize: '16', timeout: '1' })),
  }),
  encodePacket({ kind: 'wrq', filename: 'x', mode: 'netascii', options: new Map() }),
  encodePacket({ kind: 'data', block: 7, data: Buffer.from('abc') }),
  encodePacket({ kind: 'ack', block: 65535 }),
  encodePacket({ kind: 'oack', options: new Map([['blksize', '1432']]) }),
  encodePacket({ kind: 'error', code: 1, message: 'not found' }),
]

const key = new Uint8Array(32).fill(7)
const binding = { address: parseIpv4('10.0.0.7'), mac: parseMac('52:54:00:00:00:01'), intentRevision: 3 }
const token = mintBootToken(key, { ...binding, nonce: new Uint8Array(12), expiresAtSeconds: 1000 })

function judgeToken(bytes: Buffer): void {
  const text = bytes.toString('latin1')
  const isSame = Buffer.from(text, 'base64url').equals(Buffer.from(token, 'base64url'))
  const verdict = readBootToken(key, text, { ...binding, nowSeconds: 900 })
  if (!isSame) assert.equal(verdict.kind, 'refused')
}

const id = 'ab'.repeat(32)
const requestTargets = [
  ...[
    '/boot.ipxe?token=abc',
    '/ipxe/undionly.kpxe',
    `/packs/${id}.pack`,
    `http://10.0.0.1:4280//images/${id}/manifest`,
  ],
  ...[`/images/${id}/renditions/volume-ext4/deltas/${id}/data`, '/files/%C3%A4%20b/../c', '/agent/written'],
]

function route(bytes: Buffer): void {
  const found = routeContent(bytes.toString('utf8'), { imageDirectory: '/srv/images' })
  if (found.kind === 'file') assert.ok(found.file.startsWith('/srv/images/') && !found.file.includes('..'))
}

function range(bytes: Buffer): void {
  const found = decideRange(bytes.toString('latin1'), 1000)
  if (found.kind === 'part') assert.ok(found.start >= 0 && found.start < found.end && found.end <= 1000)
}

const lease = {
  address: binding.address,
  client: 'id:00ff',
  grantedAt: 1_800_000_000_000,
  expiresAt: 1_800_003_600_000,
}
const record = Buffer.alloc(longestRecordBytes)
const records = Buffer.concat([record.subarray(0, encodeLeaseRecord(lease, record, 0)), Buffer.alloc(unitBytes)])

/** What a damaged disk gives back is a lease that was written, or none. */
function readLeases(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += unitBytes) {
    if (leaseRecordBytes(bytes, at) !== undefined) assert.deepEqual(decodeLeaseRecord(bytes, at), lease)
  }
}

/** A neighbour is told to the server, which takes no longer texts, and shown on consoles. */
function checkPrintable(neighbour: Neighbour | undefined): void {
  if (neighbour === undefined) return
  assert.ok(Check(Neighbour, neighbour), JSON.stringify(neighbour))
  assert.doesNotMatch(Object.values(neighbour).join(''), /\p{Cc}/u)
}

/** What comes from machines and networks that nobody knows. */
export const packetTargets: readonly FuzzTarget[] = [
  { name: 'DHCP, decoded, decided and encoded', seeds: packets, decode: answer, refusals: [MessageTooLarge] },
  { name: 'DHCP, told in words and lines', seeds: packets, decode: show },
  {
    name: 'decodeNetBootMessage()',
    seeds: ['0101020202010103040a090001050203e7080481000089'].map((hex) => Buffer.from(hex, 'hex')),
    decode: decodeNetBootMessage,
  },
  { name: 'decodePacket() of TFTP', seeds: tftpPackets, decode: decodePacket },
  { name: 'readPcap()', seeds: captures, decode: (bytes) => Array.fromAsync(readCapture(stream(bytes))) },
  { name: 'decodeFrame()', seeds: captures.map((bytes) => bytes.subarray(40, 400)), decode: decodeFrame },
  {
    name: 'decodeArpSender()',
    seeds: [encodeArpProbe(parseMac('52:54:00:77:00:01'), parseIpv4('10.77.0.9'))],
    decode: decodeArpSender,
  },
  {
    name: 'decodeLldp()',
    seeds: [firstFrame('neighbours/lldpd.pcap').subarray(14)],
    decode: (bytes) => checkPrintable(decodeLldp(bytes)),
  },
  {
    name: 'decodeCdp()',
    seeds: [firstFrame('neighbours/lldpd-cdp.pcap').subarray(14)],
    decode: (bytes) => checkPrintable(decodeCdp(bytes)),
  },
  { name: 'readBootToken()', seeds: [Buffer.from(token)], decode: judgeToken },
  { name: 'records of leases', seeds: [records], decode: readLeases },
  { name: 'routeContent()', seeds: requestTargets.map((text) => Buffer.from(text)), decode: route },
  {
    name: 'decideRange()',
    seeds: ['bytes=0-99', 'bytes=-5', 'bytes=7-'].map((text) => Buffer.from(text)),
    decode: range,
  },
  {
    name: 'routeButterknife()',
    seeds: [Buffer.from('/api/container/debian/snapshot/1/stream?parent=0&src=a')],
    decode: (bytes) => routeButterknife(bytes.toString('utf8')),
  },
]
