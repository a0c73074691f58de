import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, type RequestSettings } from '../../test/fixtures/dhcp-request.ts'
import { formatIpv4, formatSubnet, ipv4ToBytes, parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { chooseSubnet } from './choose-subnet.ts'
import { decide } from './decide.ts'
import { Option } from './option.ts'
import { makeSubnetConfig } from './subnet-config.ts'

const serverAddress = parseIpv4('10.9.0.1')
const subnets = ['10.9.0.0/24', '10.8.0.0/24', '10.7.0.0/24'].map((text) =>
  makeSubnetConfig({ subnet: parseSubnet(text), serverAddress, httpPort: 4280 }),
)
const giaddr = (text: string) => ({ giaddr: parseIpv4(text) })
const suboption = (code: number, address: string) => Uint8Array.of(1, 1, 9, code, 4, ...ipv4ToBytes(parseIpv4(address)))
const relayed = (code: number, address: string): [number, Uint8Array] => [82, suboption(code, address)]
const selected = (text: string): [number, Uint8Array] => [Option.subnetSelection, ipv4ToBytes(parseIpv4(text))]

const rows: [criterion: string, request: RequestSettings, expected: string][] = [
  ["the interface's own", {}, '10.9.0.0/24'],
  ["the relay's", { fields: giaddr('10.8.0.1') }, '10.8.0.0/24'],
  [
    'what the client selects, before the relay',
    { fields: giaddr('10.8.0.1'), options: [selected('10.7.0.0')] },
    '10.7.0.0/24',
  ],
  ['what the client selects without a relay', { options: [selected('10.7.0.0')] }, '10.7.0.0/24'],
  [
    "the relay's link selection, before all",
    { fields: giaddr('10.8.0.1'), options: [relayed(5, '10.7.0.0'), selected('10.9.0.0')] },
    '10.7.0.0/24',
  ],
  ['no link selection of a client', { options: [relayed(5, '10.7.0.0')] }, '10.9.0.0/24'],
  ['none for another relay', { fields: giaddr('10.6.0.1') }, 'its relay, 10.6.0.1, is on no subnet served here'],
  [
    "the client's, for what it sends to us alone through a router",
    { type: 'request', ciaddr: '10.8.0.50', source: { isUnicast: true } },
    '10.8.0.0/24',
  ],
  [
    "the interface's, for what it sends to everybody after it has moved",
    { type: 'request', ciaddr: '10.8.0.50' },
    '10.9.0.0/24',
  ],
]

for (const [criterion, settings, expected] of rows) {
  test(`chooseSubnet() takes ${criterion}`, () => {
    const choice = chooseSubnet(makeRequest(makeContext(), settings), subnets)
    assert.equal(choice.kind === 'subnet' ? formatSubnet(choice.config.subnet) : choice.reason, expected)
  })
}

test('decide() answers with the server identifier a relay stands for (RFC 5107), and takes it for ours', () => {
  const context = makeContext()
  const options = [relayed(11, '10.9.0.253')]
  const settings: RequestSettings = { fields: giaddr('10.9.0.253'), options }
  const offer = decide(makeRequest(context, settings), context)
  assert.ok(offer.kind === 'reply')
  const identifier = offer.message.options.get(Option.serverIdentifier)!
  assert.deepEqual([...identifier], [...ipv4ToBytes(parseIpv4('10.9.0.253'))])
  const chosen = {
    ...settings,
    type: 'request',
    server: '10.9.0.253',
    requested: formatIpv4(offer.message.yiaddr),
  } as const
  const ack = decide(makeRequest(context, chosen), context)
  assert.ok(ack.kind === 'reply' && ack.change?.kind === 'bind')
})

test('decide() echoes 118, and 82 last', () => {
  const context = makeContext()
  const settings = { fields: giaddr('10.9.0.253'), options: [relayed(5, '10.9.0.0'), selected('10.9.0.0')] }
  const decision = decide(makeRequest(context, settings), context)
  assert.ok(decision.kind === 'reply')
  assert.deepEqual([...decision.message.options.keys()].slice(-2), [118, 82])
  assert.deepEqual(decision.message.options.get(82), suboption(5, '10.9.0.0'))
})
