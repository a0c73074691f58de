import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ContextSettings,
  holding,
  makeContext,
  makeRequest,
  other,
  web1,
} from '../../test/fixtures/dhcp-request.ts'
import { formatIpv4, parseIpv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import { decide } from './decide.ts'
import type { DecideContext, Request } from './decision.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { Option } from './option.ts'
import { encodeText } from './options.ts'

const web1Mac = web1.macs[0]!

function bootpRequest(context: DecideContext, mac: Mac = web1Mac): Request {
  const request = makeRequest(context, { mac })
  request.message.options.delete(Option.messageType)
  return request
}

const rows: [criterion: string, settings: ContextSettings, mac: Mac, expected: string][] = [
  ['gives a reservation for ever', {}, web1Mac, 'gave 10.9.0.20 (reserved for web1) to a BOOTP client, for ever'],
  [
    'gives no address of the pools where that is not allowed',
    {},
    other,
    'a BOOTP client without a reservation, and BOOTP clients get no address of the pools here',
  ],
  [
    'gives an address of the pools where that is allowed',
    { overrides: { bootp: 'dynamic' } },
    other,
    'gave 10.9.0.128 (free in the pool) to a BOOTP client, for ever',
  ],
  [
    'is silent where that is configured',
    { overrides: { bootp: 'ignore' } },
    web1Mac,
    'BOOTP clients are not answered here',
  ],
  [
    'gives no other address while the reserved one is in use',
    { holdings: [holding(other, '10.9.0.20')] },
    web1Mac,
    '10.9.0.20 reserved for it is in use, and a BOOTP client gets no other here',
  ],
]

for (const [criterion, settings, mac, expected] of rows) {
  test(`decide() to BOOTP ${criterion}`, () => {
    const context = makeContext(settings)
    const decision = decide(bootpRequest(context, mac), context)
    assert.equal(decision.kind === 'reply' ? decision.because : decision.reason, expected)
  })
}

test('a BOOTP reply has 300 bytes, no type, no times, no overload, and the configured boot file', () => {
  const overrides = {
    ...{ bootFile: 'pxelinux.0', routers: [parseIpv4('10.9.0.254')], domainName: 'd'.repeat(60) },
    options: [[Option.rootPath, encodeText('r'.repeat(40))]] as [number, Uint8Array][],
  }
  const context = makeContext({ overrides })
  const decision = decide(bootpRequest(context), context)
  assert.ok(decision.kind === 'reply')
  const bytes = encodeMessage(decision.message, decision.maximumBytes)
  const read = decodeMessage(bytes)
  assert.equal(bytes.length, 300)
  assert.equal(read.file, 'pxelinux.0')
  assert.equal(formatIpv4(read.yiaddr), '10.9.0.20')
  for (const code of [51, 52, 53, 54, 58, 59]) assert.equal(read.options.has(code), false)
  assert.ok(read.options.has(Option.subnetMask) && read.options.has(Option.router))
  assert.equal(read.options.has(Option.domainName), false, 'it does not fit')
})

test('decideBootp() writes the lease once, not at every request', () => {
  const context = makeContext({ holdings: [holding(web1Mac, '10.9.0.20', { expiresAt: 8_640_000_000_000_000 })] })
  assert.equal(decide(bootpRequest(context), context).change, undefined)
})
