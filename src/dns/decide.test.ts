import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, encode, RECURSION_DESIRED } from 'dns-packet'
import { parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { MemoryDirectory } from '../core/directory.ts'
import type { BootRecord } from '../core/machine.ts'
import { decideQuery, type NameContext } from './decide.ts'
import { NameBook } from './name-book.ts'
import { decodeQuery, type Query, rcode } from './query.ts'

const now = 1_800_000_000_000
const subnets = ['10.0.0.0/24', '10.8.0.0/22', '10.9.0.64/26', '10.16.0.0/16'].map(parseSubnet)
const record = (name: string, mac: string, address?: string): BootRecord => ({
  ...{ id: name, name, macs: [parseMac(mac)], group: 'default', intent: { kind: 'local', revision: 0 } },
  ...(address !== undefined && { address }),
})
const directory = new MemoryDirectory([
  record('web1', '52:54:00:00:00:01', '10.0.0.11'),
  record('web2', '52:54:00:00:00:02'),
  record('web3', '52:54:00:00:00:03'),
])
const names = new NameBook({
  ...{ directory, subnets },
  reservations: [{ name: 'Printer', address: parseIpv4('10.9.0.70') }],
})
const lease = (client: string, address: string, grantedAt: number, expiresAt: number) =>
  names.putLease({ client, address: parseIpv4(address), grantedAt, expiresAt })
lease('52:54:00:00:00:02', '10.0.0.150', now - 9000, now + 3_600_000)
lease('52:54:00:00:00:02', '10.0.0.151', now - 5000, now + 3_600_000)
lease('52:54:00:00:00:02', '10.8.1.9', now - 5000, now + 30_500)
lease('52:54:00:00:00:03', '10.0.0.160', now - 5000, now)
lease('52:54:00:00:00:99', '10.0.0.161', now - 5000, now + 60_000)

const context: NameContext = {
  ...{ domain: 'rack.example', names, subnets, now, mayForward: true },
  serverAddress: parseIpv4('10.0.0.1'),
}

function ask(name: string, type: string, change: Partial<Query> = {}, over: Partial<NameContext> = {}): string {
  const questions = [{ name, type: type as 'A' }]
  const query = decodeQuery(Buffer.from(encode({ flags: RECURSION_DESIRED, questions })))
  const decision = decideQuery({ ...query, ...change }, { ...context, ...over })
  if (decision.kind === 'forward') return 'forward'
  const code = Object.entries(rcode).find(([, number]) => number === decision.rcode)![0]
  const all = [...decision.answers.map(say), ...decision.authorities.map((each) => `(${each.type} ${each.name})`)]
  return [code, decision.isAuthoritative ? 'aa' : '-', ...all].join(' ')
}

function say(answer: Answer): string {
  if (answer.type === 'SOA') return `SOA ${answer.data.mname}`
  return answer.type === 'A' || answer.type === 'PTR' || answer.type === 'NS'
    ? `${answer.ttl} ${answer.type} ${answer.data}`
    : answer.type
}

const noName = 'noSuchName aa (SOA rack.example)'
const table: [name: string, type: string, expected: string, why: string][] = [
  ['web1.rack.example', 'A', 'noError aa 300 A 10.0.0.11', 'a reserved address'],
  ['WEB1.Rack.Example', 'A', 'noError aa 300 A 10.0.0.11', 'in any spelling'],
  ['web1', 'A', 'noError aa 300 A 10.0.0.11', 'a short name'],
  ['web1', 'AAAA', 'noError aa', 'no other type of a short name'],
  ['web2.rack.example', 'A', 'noError aa 60 A 10.0.0.151 30 A 10.8.1.9', 'the last lease in each subnet'],
  ['web3.rack.example', 'A', 'noError aa (SOA rack.example)', 'a machine whose lease has ended'],
  ['web1.rack.example', 'AAAA', 'noError aa (SOA rack.example)', 'no data of another type'],
  ['web1.rack.example', 'UNKNOWN_65', 'noError aa (SOA rack.example)', 'no data of a type nobody knows'],
  ['web1.rack.example', 'ANY', 'noError aa 300 A 10.0.0.11', 'ANY, one kind of record'],
  ['printer.rack.example', 'A', 'noError aa 300 A 10.9.0.70', "a reservation's name"],
  ['web9.rack.example', 'A', noName, 'a name nobody has'],
  ['a.web1.rack.example', 'A', noName, 'below a machine'],
  ['rack.example', 'SOA', 'noError aa SOA rack.example', "the zone's SOA"],
  ['rack.example', 'NS', 'noError aa 300 NS rack.example', "the zone's NS"],
  ['rack.example', 'A', 'noError aa 300 A 10.0.0.1', 'the server itself'],
  ['11.0.0.10.in-addr.arpa', 'PTR', 'noError aa 300 PTR web1.rack.example', 'a reserved address, reversed'],
  ['151.0.0.10.in-addr.arpa', 'PTR', 'noError aa 60 PTR web2.rack.example', 'a leased address, reversed'],
  ['70.0.9.10.in-addr.arpa', 'PTR', 'noError aa 300 PTR printer.rack.example', 'a reservation, reversed'],
  ['1.0.0.10.in-addr.arpa', 'PTR', 'noError aa 300 PTR rack.example', 'the server, reversed'],
  ['150.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'what a machine held before'],
  ['160.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'a lease that has ended'],
  ['161.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'a lease of nobody known'],
  ['1.3.8.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 3.8.10.in-addr.arpa)', 'a /22 is several zones'],
  ['1.4.8.10.in-addr.arpa', 'PTR', 'forward', 'behind a /22'],
  ['1.0.9.10.in-addr.arpa', 'PTR', 'forward', 'before a /26'],
  ['9.7.16.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 16.10.in-addr.arpa)', 'a /16 is one zone'],
  ['7.16.10.in-addr.arpa', 'PTR', 'noError aa (SOA 16.10.in-addr.arpa)', 'between zone and address'],
  ['0.0.10.in-addr.arpa', 'SOA', 'noError aa SOA rack.example', "the reverse zone's SOA"],
  ['x.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'what is no number'],
  ['_x.11.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'below an address'],
  ['10.in-addr.arpa', 'NS', 'forward', 'above our zones'],
  ['in-addr.arpa', 'NS', 'forward', 'all of them'],
  ['011.0.0.10.in-addr.arpa', 'PTR', 'noSuchName aa (SOA 0.0.10.in-addr.arpa)', 'a number with a zero before it'],
  ['example.org', 'A', 'forward', 'what is not ours'],
  ['xrack.example', 'A', 'forward', 'what only ends as ours does'],
  ['wbe1', 'A', 'noSuchName -', 'a short name nobody has'],
  ['com', 'NS', 'forward', 'a short name of another type'],
  ['.', 'NS', 'forward', 'the root'],
  ['example.org', 'ANY', 'noError - HINFO', 'ANY of what is not ours'],
  ['rack.example', 'AXFR', 'refused -', 'a transfer'],
]
for (const [name, type, expected, why] of table) {
  test(`decideQuery() answers ${name} ${type}: ${why}`, () => assert.equal(ask(name, type), expected))
}

test('decideQuery() refuses what it may not forward', () => {
  assert.equal(ask('example.org', 'A', {}, { mayForward: false }), 'refused -')
  assert.equal(ask('example.org', 'A', { isRecursionDesired: false }), 'refused -')
  assert.equal(ask('web1', 'A', { isRecursionDesired: false }), 'noError aa 300 A 10.0.0.11')
  assert.equal(ask('web1', 'A', { isInternet: false }), 'refused -')
})

test('decideQuery() refuses a version of EDNS that is not there yet', () => {
  assert.equal(ask('web1', 'A', { edns: { payloadBytes: 1232, version: 1, wantsSignatures: false } }), 'badVersion -')
})

test('NameBook gives a name to the machine that has it now', () => {
  const own = new MemoryDirectory([record('old', '52:54:00:00:00:01', '10.0.0.5')])
  const book = new NameBook({ directory: own, subnets, reservations: [] })
  own.put({ ...record('new', '52:54:00:00:00:01', '10.0.0.6'), id: 'old' })
  assert.equal(book.addressesOf('old', now), undefined)
  assert.equal(book.addressesOf('new', now)?.[0]?.value, parseIpv4('10.0.0.6'))
  assert.equal(book.nameOf(parseIpv4('10.0.0.5'), now), undefined)
  own.delete('old')
  assert.equal(book.addressesOf('new', now), undefined)
})
