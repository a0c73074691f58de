import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, other, type RequestSettings, web1 } from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { type ClientRules, resolveSettings } from './client-settings.ts'
import { decide } from './decide.ts'
import { Option } from './option.ts'
import { encodeText, encodeU16 } from './options.ts'

const one = (last: number) => [last, Uint8Array.of(last)] as [number, Uint8Array]
const rules: ClientRules = {
  groups: new Map([['default', { domainName: 'group', leaseSeconds: 200, options: [one(150), one(151)] }]]),
  classes: [
    { name: 'arm', architectures: [11], settings: { domainName: 'arm', bootFile: 'arm.efi' } },
    { name: 'pxe', vendorClass: 'PXEClient*', settings: { leaseSeconds: 300, options: [[150, encodeText('pxe')]] } },
    { name: 'bmc', ouis: ['00:25:90'], settings: { refusedBy: 'class bmc' } },
    { name: 'x', userClass: 'xen', settings: { domainName: 'xen' } },
  ],
  machines: new Map([['web1', { leaseSeconds: 400, nameServers: [parseIpv4('10.9.0.9')] }]]),
}

const context = {
  ...makeContext({ overrides: { domainName: 'subnet', leaseSeconds: 100, options: [one(151), one(152)] } }),
  rules,
}

function resolved(settings: RequestSettings): string {
  const { domainName, leaseSeconds, bootFile, options = [] } = resolveSettings(makeRequest(context, settings), context)
  const values = options.map(
    ([code, value]) =>
      `${code}=${Buffer.from(value)
        .toString('latin1')
        .replace(/[^a-z]/, '#')}`,
  )
  return [domainName, leaseSeconds, bootFile, ...values].filter((part) => part !== undefined).join(' ')
}

test('decide() names the VLAN in the address of the script, where the settings have one', () => {
  const settings = { options: [[Option.userClass, encodeText('iPXE')]] as [number, Uint8Array][] }
  const inVlan = { ...context, config: { ...context.config, vlan: 42 } }
  const decision = decide(makeRequest(inVlan, settings), inVlan)
  assert.match(decision.kind === 'reply' ? (decision.bootFile ?? '') : decision.reason, /[?&]vlan=42$/)
})

const pxe = (architecture: number): [number, Uint8Array][] => [
  [Option.vendorClass, encodeText('PXEClient:Arch')],
  [Option.clientArchitecture, encodeU16(architecture)],
]
const mac = web1.macs[0]!

const rows: [criterion: string, settings: RequestSettings, expected: string][] = [
  ["the subnet's for a stranger", { mac: other }, 'subnet 100 151=# 152=#'],
  ["the classes' over the subnet's", { mac: other, options: pxe(7) }, 'subnet 300 151=# 152=# 150=pxe'],
  ['every class that matches', { mac: other, options: pxe(11) }, 'arm 300 arm.efi 151=# 152=# 150=pxe'],
  ["the group's over the subnet's, the machine's over all", { mac }, 'group 400 151=# 152=# 150=#'],
  ["the classes' over the group's", { mac, options: pxe(11) }, 'arm 400 arm.efi 151=# 152=# 150=pxe'],
  [
    'a class by what its user class contains',
    { mac: other, options: [[77, encodeText('\x05xen-1')]] },
    'xen 100 151=# 152=#',
  ],
]

for (const [criterion, settings, expected] of rows) {
  test(`resolveSettings() takes ${criterion}`, () => assert.equal(resolved(settings), expected))
}

test('decide() is silent to a class that is not to be answered', () => {
  const decision = decide(makeRequest(context, { mac: parseMac('00:25:90:00:00:01') }), context)
  assert.deepEqual(decision, { kind: 'ignore', reason: 'nothing is answered to its kind here (class bmc)' })
})

test('resolveSettings() makes nothing where there are no rules', () => {
  const plain = makeContext()
  assert.equal(resolveSettings(makeRequest(plain, {}), plain), plain.config)
})
