import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIpv4, parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { makeSite } from './make-site.ts'
import { parseSiteFile } from './site-file.ts'

const facts = [
  { interface: 'eth1', address: parseIpv4('10.0.0.1'), subnet: parseSubnet('10.0.0.0/24') },
  { interface: 'eth2', address: parseIpv4('10.2.0.1'), subnet: parseSubnet('10.2.0.0/16') },
]

function read(text: string) {
  const parsed = parseSiteFile(text, 'site.yaml')
  const made = makeSite(parsed.content, facts, 4280)
  return 'problems' in made ? parsed.refuse(made.problems) : made.site
}

const interfaces = 'interfaces:\n  eth1: { mode: authoritative }\n  eth2: { mode: authoritative }\n'

function toldBy(text: string): string[] {
  return read(`${interfaces}${text}`).interfaces.map(({ name, subnets: [config] }) =>
    [name, ...(config?.nameServers ?? []).map(formatIpv4), config?.domainName ?? '-'].join(' '),
  )
}

test('makeSite() leaves names off where the site file does not speak of them', () => {
  assert.equal(read(interfaces).names, undefined)
  assert.deepEqual(toldBy(''), ['eth1 -', 'eth2 -'])
})

test('makeSite() tells clients that this server answers names, where nobody says otherwise', () => {
  const names =
    'names: { domain: Rack.example, forward: [192.0.2.53, "192.0.2.54:5353"], addresses: { gw: 10.0.0.254 } }\n'
  assert.deepEqual(toldBy(names), ['eth1 10.0.0.1 rack.example', 'eth2 10.2.0.1 rack.example'])
  assert.deepEqual(toldBy(`${names}subnets: [{ subnet: 10.0.0.0/24, dns: [10.0.0.53] }]\n`), [
    'eth1 10.0.0.53 rack.example',
    'eth2 10.2.0.1 rack.example',
  ])
  assert.deepEqual(toldBy(`${names}settings: { dns: [10.0.0.53], domain: x.example }\n`)[1], 'eth2 10.0.0.53 x.example')
  assert.deepEqual(read(`${interfaces}${names}`).names, {
    domain: 'rack.example',
    upstreams: [
      { address: '192.0.2.53', port: 53 },
      { address: '192.0.2.54', port: 5353 },
    ],
    interfaces: ['eth1', 'eth2'],
    addresses: [{ name: 'gw', address: parseIpv4('10.0.0.254') }],
  })
  assert.deepEqual(toldBy('names: { domain: a.example, interfaces: [eth2] }\n'), ['eth1 -', 'eth2 10.2.0.1 a.example'])
})

for (const [text, expected] of [
  ['names: { forward: [192.0.2.53] }', /site\.yaml:4:1: names: .*domain/],
  ['names: { domain: a..b }', /site\.yaml:4:10: names\.domain: it does not have the form/],
  ['names: { domain: a, forward: [10.0.0.1] }', /site\.yaml:4:31: names\.forward\.0: 10\.0\.0\.1 is this server's own/],
  ['names: { domain: a, forward: [10.0.0.300] }', /4:31: names\.forward\.0: .*"10\.0\.0\.300" is not four numbers/],
  ['names: { domain: a, forward: ["10.0.0.3:0"] }', /names\.forward\.0: there is no port 0/],
  ['names: { domain: a, interfaces: [eth9] }', /4:34: names\.interfaces\.0: eth9 is not among .*\(eth1, eth2\)/],
  ['names: { domain: a, addresses: { x: 1.2.3.400 } }', /4:34: names\.addresses\.x: /],
] as const) {
  test(`makeSite() refuses ${text}`, () => assert.throws(() => read(`${interfaces}${text}\n`), { message: expected }))
}
