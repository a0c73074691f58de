import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBroadcast, makeContext, makeRequest, type RequestSettings } from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import type { DhcpEvent } from './dhcp-event.ts'
import type { DhcpInterface } from './dhcp-site.ts'
import { OtherServers } from './other-servers.ts'

const link: DhcpInterface = {
  ...{ name: 'eth1', serverAddress: parseIpv4('10.9.0.1'), answers: 'authoritative', isSilent: false, subnets: [] },
}

function found(packets: RequestSettings[], on: Partial<DhcpInterface> = {}, now = 0): DhcpEvent[] {
  const told: DhcpEvent[] = []
  const others = new OtherServers({ ...link, ...on }, (event) => told.push(event))
  for (const settings of packets) others.look(makeRequest(makeContext(), settings).message, fromBroadcast, now)
  return told
}

const chosen: RequestSettings = { type: 'request', server: '10.9.0.2', requested: '10.9.0.7' }
const offer: RequestSettings = { type: 'offer', server: '10.9.0.3', fields: { op: 2, yiaddr: parseIpv4('10.9.0.7') } }

const rows: [criterion: string, packets: RequestSettings[], on: Partial<DhcpInterface>, expected: string[]][] = [
  ["a client's choice and a broadcast offer, each once", [chosen, chosen, offer, offer], {}, ['10.9.0.2', '10.9.0.3']],
  [
    'nothing in our own packets',
    [
      { ...chosen, server: '10.9.0.1' },
      { ...offer, server: '10.9.0.1' },
    ],
    {},
    [],
  ],
  ['nothing in what a proxyDHCP server offers', [{ ...offer, fields: { op: 2 } }], {}, []],
  ['nothing where we are a proxy ourselves', [chosen, offer], { answers: 'proxy' }, []],
]

for (const [criterion, packets, on, expected] of rows) {
  test(`OtherServers finds ${criterion}`, () => {
    const servers = found(packets, on).map((event) => (event.kind === 'other-server' ? event.server : event.kind))
    assert.deepEqual(servers, expected)
  })
}
