import { encode, RECURSION_DESIRED } from 'dns-packet'
import { parseIpv4, parseSubnet } from '../../src/bytes/ipv4.ts'
import { parseMac } from '../../src/bytes/mac.ts'
import { MemoryDirectory } from '../../src/core/directory.ts'
import { decideQuery } from '../../src/dns/decide.ts'
import { encodeForeignAnswer, readForeignAnswer } from '../../src/dns/foreign-answer.ts'
import { layOutMessage } from '../../src/dns/message-layout.ts'
import { NameBook } from '../../src/dns/name-book.ts'
import { decodeQuery, readQuery } from '../../src/dns/query.ts'
import { encodeReply, longestDatagram } from '../../src/dns/reply.ts'
import type { FuzzTarget } from './fuzz.ts'

const subnets = [parseSubnet('10.0.0.0/24')]
const intent = { kind: 'local', revision: 0 } as const
const macs = [parseMac('52:54:00:00:00:01')]
const directory = new MemoryDirectory([{ id: 'a', name: 'web1', macs, group: 'default', address: '10.0.0.7', intent }])
const names = new NameBook({ directory, subnets, reservations: [] })
const context = { domain: 'rack.example', names, subnets, serverAddress: parseIpv4('10.0.0.1'), mayForward: true }
const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0x8000 } as never

const queries = (
  [
    ['web1.rack.example', 'A'],
    ['7.0.0.10.in-addr.arpa', 'PTR'],
    ['web9', 'ANY'],
    ['www.example.org', 'AAAA'],
  ] as const
).map(([name, type]) =>
  encode({ id: 7, flags: RECURSION_DESIRED, questions: [{ name, type: type as 'A' }], additionals: [opt] }),
)

const answers = [
  encode({
    ...{ type: 'response', id: 7, questions: [{ name: 'www.example.org', type: 'AAAA' }] },
    answers: [{ type: 'CNAME', name: 'www.example.org', ttl: 60, data: 'example.org' }],
    authorities: [
      {
        ...{ type: 'SOA', name: 'example.org', ttl: 60 },
        data: { mname: 'a', rname: 'b', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
      },
    ],
    additionals: [opt],
  }),
]
const asked = decodeQuery(Buffer.from(queries[3]!))

/** Never throws, whatever comes; what is sent can be read and is not longer than it may be. */
function answer(bytes: Buffer): void {
  const received = readQuery(bytes)
  if (received.kind !== 'query') return
  const { query } = received
  const decision = decideQuery(query, { ...context, now: 1_800_000_000_000 })
  if (decision.kind === 'forward') return
  const longestBytes = longestDatagram(query)
  const reply = encodeReply(query, decision, { longestBytes })
  layOutMessage(reply)
  if (reply.length > longestBytes) throw new Error(`a reply of ${reply.length} bytes`)
}

function passOn(bytes: Buffer): void {
  const foreign = readForeignAnswer(bytes)
  encodeForeignAnswer(asked, foreign, { ageSeconds: 9, longestBytes: 1232 })
}

/** What machines ask of names, and what other servers answer. */
export const dnsTargets: readonly FuzzTarget[] = [
  { name: 'DNS, decoded, decided and encoded', seeds: queries, decode: answer },
  { name: 'answers of DNS servers', seeds: answers, decode: passOn },
]
