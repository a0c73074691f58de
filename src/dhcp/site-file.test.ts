import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatHex } from '../bytes/hex.ts'
import { formatIpv4, formatSubnet, parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import type { DhcpSite } from './dhcp-site.ts'
import { makeSite } from './make-site.ts'
import { encodeOptionText, type OptionText, parseOptionCode } from './option-value.ts'
import { parseSiteFile } from './site-file.ts'

const facts = [
  { interface: 'eth1', address: parseIpv4('10.0.0.1'), subnet: parseSubnet('10.0.0.0/24') },
  { interface: 'eth2', address: parseIpv4('10.2.0.1'), subnet: parseSubnet('10.2.0.0/16') },
]

function read(text: string): DhcpSite {
  const parsed = parseSiteFile(text, 'site.yaml')
  const made = makeSite(parsed.content, facts, 4280)
  return 'problems' in made ? parsed.refuse(made.problems) : made.site
}

test('makeSite() reads interfaces, subnets and layers', () => {
  const { interfaces, rules } = read(`
interfaces:
  eth1: { mode: authoritative }
  eth2: { mode: listen, as: proxy }
  eth3: { mode: off }
settings: { dns: [10.0.0.53], domain: rack.test, options: { 150: 10.0.0.9, ntp-server: 10.0.0.8 } }
subnets:
  - { subnet: 10.9.0.0/24, interface: eth1, pools: [10.9.0.10-10.9.0.20, 10.9.0.30], bootp: dynamic }
  - { subnet: 10.0.0.0/24, routers: [10.0.0.254], unknown: ignore, domain: own.test, options: { 150: 10.0.0.7 } }
groups: { web: { leaseSeconds: 600 } }
classes:
  - { name: arm, match: { architecture: [uefi-arm64, 19] }, bootFile: arm.efi }
  - { name: bmc, match: { oui: ['00-25-90'] }, answer: false }
machines: { web1: { routes: [10.1.0.0/16 via 10.0.0.3] } }
`)
  assert.deepEqual(
    interfaces.map(({ name, answers, isSilent, serverAddress, subnets }) => [
      ...[name, answers, isSilent, formatIpv4(serverAddress)],
      subnets.map(({ subnet }) => formatSubnet(subnet)).join(' '),
    ]),
    [
      ['eth1', 'authoritative', false, '10.0.0.1', '10.0.0.0/24 10.9.0.0/24'],
      ['eth2', 'proxy', true, '10.2.0.1', '10.2.0.0/16'],
    ],
  )
  const [own, far] = interfaces[0]!.subnets
  assert.equal(own?.domainName, 'own.test')
  assert.deepEqual(
    own?.options?.map(([code, value]) => `${code} ${formatHex(value)}`),
    ['150 0a000007', '42 0a000008'],
  )
  assert.deepEqual([own?.unknown, far?.unknown, far?.bootp], ['ignore', 'discover', 'dynamic'])
  assert.deepEqual(
    far?.pools.map(({ first, last }) => `${formatIpv4(first)}-${formatIpv4(last)}`),
    ['10.9.0.10-10.9.0.20', '10.9.0.30-10.9.0.30'],
  )
  assert.equal(rules.groups.get('web')?.leaseSeconds, 600)
  assert.deepEqual(rules.classes[0]?.architectures, [11, 19])
  assert.deepEqual([rules.classes[1]?.ouis, rules.classes[1]?.settings.refusedBy], [['00:25:90'], 'class bmc'])
  assert.equal(rules.machines.get('web1')?.routes?.length, 1)
})

const oneSubnet =
  'interfaces: { eth1: { mode: authoritative } }\nsubnets:\n  - subnet: 10.0.0.0/24\n    reservations:\n'

const broken: [criterion: string, text: string, expected: RegExp][] = [
  ['bad YAML', 'interfaces: {', /^Cannot use the site file site\.yaml:\n {2}site\.yaml:\d+:\d+: /],
  [
    'an unknown name',
    'interfaces:\n  eth1: { mode: off, modus: 1 }',
    /site\.yaml:2:22: interfaces\.eth1\.modus: there is no such name in a site file/,
  ],
  [
    'an unknown mode',
    'interfaces:\n  eth1:\n    mode: on',
    /site\.yaml:3:5: interfaces\.eth1\.mode: it is one of off, listen, proxy, authoritative/,
  ],
  [
    'two images of one id',
    'interfaces: { eth1: { mode: proxy } }\nnetBoot:\n  images:\n    - { name: A, index: 1, bootFile: a }\n    - { name: B, index: 1, bootFile: b }',
    /5:7: netBoot\.images\.1: another image has this index, kind and install/,
  ],
  [
    'an unknown architecture',
    'interfaces: { eth1: { mode: proxy } }\narchitectures: [sparc]',
    /2:17: architectures\.0: it is one of x64, arm64/,
  ],
  ['a file that serves nothing', 'interfaces: { eth1: { mode: off } }', /1:1: interfaces: every interface is off/],
  [
    'an interface that is not there',
    'interfaces:\n  eth9: { mode: proxy }',
    /2:3: interfaces\.eth9: it has no IPv4 address .*eth1, eth2/,
  ],
  [
    'a pool outside its subnet',
    'interfaces: { eth1: { mode: authoritative } }\nsubnets:\n  - subnet: 10.0.0.0/24\n    pools: [10.0.1.1-10.0.1.9]',
    /3:5: subnets\.0: Cannot serve subnet 10\.0\.0\.0\/24: the pool 10\.0\.1\.1-10\.0\.1\.9 leads out of it/,
  ],
  [
    'a subnet that no interface is said to reach',
    'interfaces: { eth1: { mode: authoritative }, eth2: { mode: authoritative } }\nsubnets:\n  - subnet: 10.50.0.0/24',
    /3:5: subnets\.0: no interface has an address in it/,
  ],
  [
    'subnets that overlap',
    'interfaces: { eth1: { mode: authoritative } }\nsubnets:\n  - subnet: 10.0.0.0/24\n  - subnet: 10.0.0.128/25',
    /4:5: subnets\.1: it overlaps 10\.0\.0\.0\/24/,
  ],
  [
    "an option that is the server's own",
    'interfaces: { eth1: { mode: proxy } }\nsettings:\n  options:\n    54: 1.2.3.4',
    /4:5: settings\.options\.54: .*54 is set by the server itself/,
  ],
  [
    'a reservation outside its subnet',
    `${oneSubnet}      - { mac: '52:54:00:00:00:01', address: 10.0.1.7 }`,
    /5:9: subnets\.0\.reservations\.0: 10\.0\.1\.7 is no address of a machine in 10\.0\.0\.0\/24/,
  ],
  [
    'a reservation of our own address',
    `${oneSubnet}      - { mac: '52:54:00:00:00:01', address: 10.0.0.1 }`,
    /reservations\.0: 10\.0\.0\.1 is this server's own/,
  ],
  [
    'an address that is reserved twice',
    `${oneSubnet}      - { mac: '52:54:00:00:00:01', address: 10.0.0.7, name: printer }\n      - { clientId: 'text:x', address: 10.0.0.7 }`,
    /6:9: subnets\.0\.reservations\.1: 10\.0\.0\.7 is reserved for printer already/,
  ],
  [
    'a client with two reservations',
    `${oneSubnet}      - { mac: '52:54:00:00:00:01', address: 10.0.0.7 }\n      - { mac: '52-54-00-00-00-01', address: 10.0.0.8 }`,
    /6:9: subnets\.0\.reservations\.1: 52:54:00:00:00:01 has 10\.0\.0\.7 reserved in this subnet already/,
  ],
  [
    'a reservation for nobody',
    `${oneSubnet}      - { address: 10.0.0.7 }`,
    /reservations\.0: .*it is for a mac or for a clientId: say one of them/,
  ],
  [
    'an unknown architecture',
    'interfaces: { eth1: { mode: proxy } }\nclasses:\n  - name: x\n    match: { architecture: [sparc] }',
    /4:14: classes\.0\.match\.architecture: sparc is no known architecture/,
  ],
]

for (const [criterion, text, expected] of broken) {
  test(`parseSiteFile() and makeSite() refuse ${criterion}, with its place`, () => {
    assert.throws(() => read(text), { name: 'YamlFileInvalid', message: expected })
  })
}

const values: [option: string, text: OptionText, expected: string][] = [
  ['ntp-server', ['10.0.0.1', '10.0.0.2'], '0a0000010a000002'],
  ['NTP server', '10.0.0.1, 10.0.0.2', '0a0000010a000002'],
  ['interface-mtu', 9000, '2328'],
  ['209', 'pxelinux.cfg', '7078656c696e75782e636667'],
  ['211', 30, '0000001e'],
  ['224', 'hex:0A 01:02', '0a0102'],
  ['224', 'u16:258', '0102'],
  ['224', 'ip:10.0.0.1', '0a000001'],
  ['224', 'plain', '706c61696e'],
  ['domain-search', ['a.test', 'b'], '016104746573740001620'.concat('0')],
  ['121', ['10.1.0.0/16 via 10.0.0.2', '0.0.0.0/0 via 10.0.0.1'], '100a010a000002000a000001'],
]

for (const [option, text, expected] of values) {
  test(`encodeOptionText() of ${option} = ${JSON.stringify(text)}`, () => {
    assert.equal(formatHex(encodeOptionText(parseOptionCode(option), text)), expected)
  })
}

for (const [option, text] of [
  ['interface-mtu', 'x'],
  ['interface-mtu', 70_000],
  ['ntp-server', '10.0.0'],
  ['224', 'hex:0'],
  ['121', 'somewhere'],
  ['domain-search', 'a..b'],
] as const) {
  test(`encodeOptionText() refuses ${option} = ${text}`, () => {
    assert.throws(() => encodeOptionText(parseOptionCode(option), text), { name: 'DecodeError' })
  })
}
