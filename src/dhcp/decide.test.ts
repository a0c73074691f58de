import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ContextSettings,
  holding,
  makeContext,
  makeRequest,
  now,
  other,
  type RequestSettings,
  stranger,
  web1,
} from '../../test/fixtures/dhcp-request.ts'
import { formatIpv4 } from '../bytes/ipv4.ts'
import { decide } from './decide.ts'
import type { Decision } from './decision.ts'
import { formatMessageType } from './message-type.ts'

/** A decision in one line: reply type and address or "ignore", what happens to the leases, and why. */
function summarize(decision: Decision): string {
  const { change } = decision
  const target = change && ('address' in change ? formatIpv4(change.address) : change.client)
  const changed = change ? ` [${change.kind} ${target}]` : ''
  if (decision.kind === 'ignore') return `ignore${changed}: ${decision.reason}`
  const { message, because } = decision
  const type = formatMessageType(message.options.get(53)![0])
  const probe = decision.probe === undefined ? '' : ' [probe]'
  return `${type} ${formatIpv4(message.yiaddr)}${changed}${probe}: ${because.replace(/; no boot file.*/, '')}`
}

type Row = [criterion: string, context: ContextSettings, request: RequestSettings, expected: string]

const web1Mac = web1.macs[0]!
const us = '10.9.0.1'

const rows: Row[] = [
  // DISCOVER
  [
    'offers a stranger the first free address of the pool',
    {},
    {},
    'OFFER 10.9.0.128 [hold 10.9.0.128] [probe]: offered 10.9.0.128 (free in the pool)',
  ],
  [
    'offers a known machine its reservation',
    {},
    { mac: web1Mac },
    'OFFER 10.9.0.20 [hold 10.9.0.20] [probe]: offered 10.9.0.20 (reserved for web1)',
  ],
  [
    'prefers the reservation to the lease the machine holds',
    { holdings: [holding(web1Mac, '10.9.0.130')] },
    { mac: web1Mac, requested: '10.9.0.130' },
    'OFFER 10.9.0.20 [hold 10.9.0.20] [probe]: offered 10.9.0.20 (reserved for web1)',
  ],
  [
    "gives the reservation to the machine's second card when the first was only offered it",
    { holdings: [holding(web1Mac, '10.9.0.20', { state: 'offered' })] },
    { mac: web1.macs[1]! },
    'OFFER 10.9.0.20 [hold 10.9.0.20] [probe]: offered 10.9.0.20 (reserved for web1)',
  ],
  [
    "gives the machine's second card a pool address while the first holds the reservation",
    { holdings: [holding(web1Mac, '10.9.0.20')] },
    { mac: web1.macs[1]! },
    'OFFER 10.9.0.128 [hold 10.9.0.128] [probe]: offered 10.9.0.128 (free in the pool, as 10.9.0.20 reserved for it is in use)',
  ],
  [
    'offers a pool address while somebody else holds the reserved one',
    { holdings: [holding(other, '10.9.0.20')] },
    { mac: web1Mac },
    'OFFER 10.9.0.128 [hold 10.9.0.128] [probe]: offered 10.9.0.128 (free in the pool, as 10.9.0.20 reserved for it is in use)',
  ],
  [
    'offers a client its running lease again, without a probe or a change',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { ciaddr: '10.9.0.200', requested: '10.9.0.150' },
    'OFFER 10.9.0.140: offered 10.9.0.140 (its lease)',
  ],
  [
    'offers a client its ended lease again, after a probe',
    { holdings: [holding(stranger, '10.9.0.140', { expiresAt: now - 1 })] },
    {},
    'OFFER 10.9.0.140 [hold 10.9.0.140] [probe]: offered 10.9.0.140 (its lease)',
  ],
  [
    'repeats an offer without a second probe',
    { holdings: [holding(stranger, '10.9.0.140', { state: 'offered' })] },
    {},
    'OFFER 10.9.0.140 [hold 10.9.0.140]: offered 10.9.0.140 (offered before)',
  ],
  [
    'offers the requested address when it is free',
    {},
    { requested: '10.9.0.150' },
    'OFFER 10.9.0.150 [hold 10.9.0.150] [probe]: offered 10.9.0.150 (asked for and free)',
  ],
  [
    'does not offer a requested address that is held',
    { holdings: [holding(other, '10.9.0.150')] },
    { requested: '10.9.0.150' },
    'OFFER 10.9.0.128 [hold 10.9.0.128] [probe]: offered 10.9.0.128 (free in the pool)',
  ],
  [
    'does not offer a requested address outside the pools',
    {},
    { requested: '10.9.0.77' },
    'OFFER 10.9.0.128 [hold 10.9.0.128] [probe]: offered 10.9.0.128 (free in the pool)',
  ],
  [
    'does not offer a quarantined address to the client that had it',
    { holdings: [holding('', '10.9.0.128', { state: 'quarantined' })] },
    {},
    'OFFER 10.9.0.129 [hold 10.9.0.129] [probe]: offered 10.9.0.129 (free in the pool)',
  ],
  [
    'does not offer a pool address reserved for another machine',
    { machines: [{ ...web1, address: '10.9.0.128' }] },
    { requested: '10.9.0.128' },
    'OFFER 10.9.0.129 [hold 10.9.0.129] [probe]: offered 10.9.0.129 (free in the pool)',
  ],
  ['is silent when the pool is empty', { overrides: { pools: [] } }, {}, 'ignore: no address is free in the pools'],
  [
    'is silent to strangers when they are to be ignored',
    { overrides: { unknown: 'ignore' } },
    {},
    'ignore: the machine is not known, and unknown machines are ignored here',
  ],
  // REQUEST, SELECTING
  [
    'grants what was offered',
    { holdings: [holding(stranger, '10.9.0.140', { state: 'offered' })] },
    { type: 'request', server: us, requested: '10.9.0.140' },
    'ACK 10.9.0.140 [bind 10.9.0.140]: granted 10.9.0.140 (as offered)',
  ],
  [
    'grants an offer that a restart forgot while the address is free',
    {},
    { type: 'request', server: us, requested: '10.9.0.140' },
    'ACK 10.9.0.140 [bind 10.9.0.140]: granted 10.9.0.140 (as offered)',
  ],
  [
    'refuses an offer that has gone to somebody else',
    { holdings: [holding(other, '10.9.0.140')] },
    { type: 'request', server: us, requested: '10.9.0.140' },
    'NAK 0.0.0.0: refused: 10.9.0.140 is leased to 52:54:00:00:00:98',
  ],
  [
    'drops our offer, in silence, when another server was chosen',
    { holdings: [holding(stranger, '10.9.0.140', { state: 'offered' })] },
    { type: 'request', server: '10.9.0.2', requested: '10.9.0.33' },
    'ignore [end 52:54:00:00:00:99]: it chose the server 10.9.0.2',
  ],
  [
    'keeps the running lease when another server was chosen',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'request', server: '10.9.0.2', requested: '10.9.0.33' },
    'ignore: it chose the server 10.9.0.2',
  ],
  [
    'is silent when a REQUEST to us names no address',
    {},
    { type: 'request', server: us },
    'ignore: a REQUEST to us that names no address',
  ],
  // REQUEST, INIT-REBOOT
  [
    'refuses an address of another network after a restart',
    {},
    { type: 'request', requested: '192.168.1.5' },
    'NAK 0.0.0.0: refused: 192.168.1.5 is not an address of 10.9.0.0/24',
  ],
  [
    'refuses an unknown lease after a restart',
    {},
    { type: 'request', requested: '10.9.0.140' },
    'NAK 0.0.0.0: refused: no lease of 10.9.0.140 to it is known here',
  ],
  [
    'grants a known lease after a restart, ended or not',
    { holdings: [holding(stranger, '10.9.0.140', { expiresAt: now - 1 })] },
    { type: 'request', requested: '10.9.0.140' },
    'ACK 10.9.0.140 [bind 10.9.0.140]: granted 10.9.0.140 (its lease, after a restart)',
  ],
  [
    'grants a reservation after a restart though no lease is known',
    {},
    { type: 'request', mac: web1Mac, requested: '10.9.0.20' },
    'ACK 10.9.0.20 [bind 10.9.0.20]: granted 10.9.0.20 (its lease, after a restart)',
  ],
  // REQUEST, RENEWING and REBINDING
  [
    'renews',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'request', ciaddr: '10.9.0.140' },
    'ACK 10.9.0.140 [bind 10.9.0.140]: granted 10.9.0.140 (renewed)',
  ],
  [
    'renews a lease that is not known while the address is free',
    {},
    { type: 'request', ciaddr: '10.9.0.140' },
    'ACK 10.9.0.140 [bind 10.9.0.140]: granted 10.9.0.140 (renewed)',
  ],
  [
    "refuses to renew somebody else's lease",
    { holdings: [holding(other, '10.9.0.140')] },
    { type: 'request', ciaddr: '10.9.0.140' },
    'NAK 0.0.0.0: refused: 10.9.0.140 is leased to 52:54:00:00:00:98',
  ],
  [
    'refuses to renew an address that was reserved for another machine since',
    { machines: [{ ...web1, address: '10.9.0.140' }], holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'request', ciaddr: '10.9.0.140' },
    'NAK 0.0.0.0: refused: 10.9.0.140 is reserved for web1',
  ],
  [
    'refuses to renew when the machine was given a reservation since',
    { holdings: [holding(web1Mac, '10.9.0.140')] },
    { type: 'request', mac: web1Mac, ciaddr: '10.9.0.140' },
    'NAK 0.0.0.0: refused: 10.9.0.20 is reserved for it, not 10.9.0.140',
  ],
  [
    'refuses to renew outside the pools',
    {},
    { type: 'request', ciaddr: '10.9.0.77' },
    'NAK 0.0.0.0: refused: 10.9.0.77 is in no pool',
  ],
  [
    'is silent to a REQUEST that says nothing',
    {},
    { type: 'request' },
    'ignore: a REQUEST with neither server identifier nor address',
  ],
  // DECLINE, RELEASE, INFORM
  [
    'quarantines a declined address, in silence',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'decline', server: us, requested: '10.9.0.140' },
    'ignore [quarantine 10.9.0.140]: 10.9.0.140 is quarantined for 600 s: the machine found it in use',
  ],
  [
    'does not let a client decline what is not its own',
    { holdings: [holding(other, '10.9.0.140')] },
    { type: 'decline', server: us, requested: '10.9.0.140' },
    'ignore: a DECLINE of an address that is not its own',
  ],
  [
    'leaves a DECLINE to another server alone',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'decline', server: '10.9.0.2', requested: '10.9.0.140' },
    'ignore: a DECLINE to another server',
  ],
  [
    'ends a released lease, in silence',
    { holdings: [holding(stranger, '10.9.0.140')] },
    { type: 'release', server: us, ciaddr: '10.9.0.140' },
    'ignore [end 52:54:00:00:00:99]: it gave 10.9.0.140 back',
  ],
  [
    'does not let a client release what is not its own',
    { holdings: [holding(other, '10.9.0.140')] },
    { type: 'release', server: us, ciaddr: '10.9.0.140' },
    'ignore: a RELEASE of an address that is not its own',
  ],
  [
    'answers an INFORM without a lease',
    {},
    { type: 'inform', ciaddr: '10.9.0.77' },
    'ACK 0.0.0.0: told 10.9.0.77 about its network, as it asked',
  ],
  [
    'leaves an INFORM from another network alone',
    {},
    { type: 'inform', ciaddr: '10.8.0.77' },
    "ignore: an INFORM from 10.8.0.77, which is no machine's address here",
  ],
  [
    'does not answer an INFORM to everybody',
    {},
    { type: 'inform', ciaddr: '10.9.0.255' },
    "ignore: an INFORM from 10.9.0.255, which is no machine's address here",
  ],
  // what is none of ours
  ['leaves replies alone', {}, { type: 'offer', fields: { op: 2 } }, 'ignore: a reply of another server'],
  ['leaves server messages alone', {}, { type: 'ack' }, 'ignore: ACK is not answered here'],
]

for (const [criterion, settings, request, expected] of rows) {
  test(`decide() ${criterion}`, () => {
    const context = makeContext(settings)
    assert.equal(summarize(decide(makeRequest(context, request), context)), expected)
  })
}
