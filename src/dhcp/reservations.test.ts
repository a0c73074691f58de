import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ContextSettings,
  holding,
  makeContext,
  makeRequest,
  other,
  type RequestSettings,
  stranger,
  web1,
} from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { decide } from './decide.ts'
import { Option } from './option.ts'
import { decodeText } from './options.ts'
import { indexReservations } from './reservations.ts'

const identifier = Uint8Array.of(0, 0x70, 0x31)
const reservations = indexReservations([
  { address: parseIpv4('10.9.0.30'), client: stranger, name: 'printer' },
  { address: parseIpv4('10.9.0.128'), client: 'id:007031' },
  { address: parseIpv4('10.9.0.31'), client: web1.macs[0]! },
])

function decideFor(settings: RequestSettings, given: ContextSettings = {}) {
  const context = makeContext({ ...given, overrides: { reservations, ...given.overrides } })
  return decide(makeRequest(context, settings), context)
}

function because(settings: RequestSettings, given: ContextSettings = {}): string {
  const decision = decideFor(settings, given)
  return decision.kind === 'reply' ? decision.because : `ignore: ${decision.reason}`
}

test('decide() offers the address that the site file reserves for a MAC, with its name', () => {
  const decision = decideFor({ mac: stranger })
  assert.ok(decision.kind === 'reply')
  assert.match(decision.because, /^offered 10\.9\.0\.30 \(reserved for printer\)/)
  assert.equal(decodeText(decision.message.options, Option.hostName), 'printer')
})

test('decide() offers the address that the site file reserves for a client identifier, whatever card it is behind', () => {
  const options: RequestSettings['options'] = [[Option.clientIdentifier, identifier]]
  for (const mac of [other, stranger]) assert.match(because({ mac, options }), /^offered 10\.9\.0\.128 \(reserved for /)
})

test('decide() gives nobody else a reserved address: not from the pool, not when asked for it', () => {
  assert.match(because({ mac: other }), /^offered 10\.9\.0\.129 \(free in the pool\)/)
  const asked = { mac: other, requested: '10.9.0.128' }
  assert.match(because(asked), /^offered 10\.9\.0\.129 /)
  assert.match(because({ ...asked, type: 'request', server: '10.9.0.1' }), /10\.9\.0\.128 is reserved for id:007031/)
})

test("decide() puts a machine's own reservation above the site file's", () => {
  assert.match(because({ mac: web1.macs[0]! }), /^offered 10\.9\.0\.20 \(reserved for web1\)/)
  const { address: _, ...withoutAddress } = web1
  const machines = [withoutAddress]
  assert.match(because({ mac: web1.macs[0]! }, { machines }), /^offered 10\.9\.0\.31 \(reserved for web1\)/)
})

test('decide() sends a client that had another address to its reserved one', () => {
  const holdings = [holding(stranger, '10.9.0.140')]
  assert.match(because({ mac: stranger }, { holdings }), /^offered 10\.9\.0\.30 /)
  const renewing = { mac: stranger, type: 'request', ciaddr: '10.9.0.140' } as const
  assert.match(because(renewing, { holdings }), /10\.9\.0\.30 is reserved for it, not 10\.9\.0\.140/)
})

test('decide() answers a client with a reservation where unknown machines are ignored', () => {
  const overrides = { unknown: 'ignore' as const }
  assert.match(because({ mac: stranger }, { overrides }), /^offered 10\.9\.0\.30 /)
  assert.match(because({ mac: other }, { overrides }), /^ignore: the machine is not known/)
})
