import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { importDhcpd } from './dhcpd.ts'
import { importDnsmasq } from './dnsmasq.ts'
import { importEthers } from './ethers.ts'
import type { ImportContext, Imported } from './imported.ts'
import { importPxelinux } from './pxelinux.ts'

const fixtures = join(import.meta.dirname, '../../test/fixtures/old-configurations')

/** `/etc` is the fixture's own. */
function contextOf(files: Record<string, string> = {}): ImportContext {
  return {
    read: (path) => {
      const own = path.startsWith('/etc/') ? join(fixtures, 'dnsmasq/etc', basename(path)) : path
      return files[path] ?? readFileSync(own, 'utf8')
    },
    list: (path) => readdirSync(path).sort(),
    interfaces: { eth1: '10.20.0.1/24' },
  }
}

function importFixture(run: typeof importDnsmasq, path: string): Imported {
  const file = join(fixtures, path)
  return run(file, contextOf())
}

function leftOut({ notTaken }: Imported): string[] {
  return notTaken.map(({ file, line, reason }) => `${basename(file)}:${line}: ${reason}`)
}

test('importDnsmasq() takes a cluster with /etc/ethers, tags and a directory of files', () => {
  const imported = importFixture(importDnsmasq, 'dnsmasq/dnsmasq.conf')
  assert.deepEqual(
    imported.hosts.map(({ name, macs, address, group }) => [name, macs[0], address, group]),
    [
      ['switch1', '00:1b:21:aa:00:01', '10.20.0.2', undefined],
      ['pdu1', '00:1b:21:aa:00:02', '10.20.0.3', 'power'],
      ['m-525400200099', '52:54:00:20:00:99', undefined, undefined],
      ['node6', '52:54:00:20:00:06', '10.20.0.16', 'gpu'],
      ['node1', '52:54:00:20:00:01', '10.20.0.11', undefined],
      ['node2', '52:54:00:20:00:02', '10.20.0.12', undefined],
      ['node3', '52:54:00:20:00:03', '10.20.0.13', undefined],
      ['node4', '52:54:00:20:00:04', '10.20.0.14', undefined],
      ['m-525400200005', '52:54:00:20:00:05', '10.20.0.15', undefined],
    ],
  )
  const { interfaces, mode, settings, subnets, groups, classes, files, names } = imported
  assert.deepEqual([interfaces, mode, files], [['eth1'], 'authoritative', '/srv/tftp'])
  assert.deepEqual(settings, {
    ...{ leaseSeconds: 3600, domain: 'cluster.example', bootFile: 'pxelinux.0', ipxeBootFile: 'pxelinux.0' },
    ...{ routers: ['10.20.0.254'], ntp: ['10.20.0.1'] },
    options: { 150: '10.20.0.1', 209: 'pxelinux.cfg/default' },
  })
  assert.deepEqual(names, {
    ...{ domain: 'cluster.example', forward: ['192.0.2.53', '192.0.2.54'], addresses: { head: '10.20.0.1' } },
  })
  assert.deepEqual(subnets, [{ subnet: '10.20.0.0/24', pools: ['10.20.0.100-10.20.0.199'], leaseSeconds: 43_200 }])
  assert.deepEqual(groups, { gpu: { options: { 26: '9000' } }, power: { ntp: ['10.20.0.254'] } })
  assert.deepEqual(classes, [
    {
      name: 'efi64',
      match: { architecture: [7, 9] },
      bootFile: 'grub/grubx64.efi',
      ipxeBootFile: 'grub/grubx64.efi',
      nextServer: '10.20.0.1',
    },
    { name: 'ipxe', match: { userClass: 'iPXE' }, ipxeBootFile: 'http://10.20.0.1/boot.ipxe' },
  ])
  assert.deepEqual(leftOut(imported), [
    'ethers:8: not-a-mac is no MAC address',
    'dnsmasq.conf:36: it goes by a client identifier; machines are known by their MAC addresses',
    "dnsmasq.conf:37: vendor options are not set by hand here: PXE's own are set by the server",
    'dnsmasq.conf:34: how names are asked for is not set here',
    'dnsmasq.conf:35: how the old service ran does not concern the new one',
  ])
})

for (const [text, names, reasons] of [
  [
    'domain=a.example\nno-resolv\nno-hosts\nserver=192.0.2.1#5353',
    { domain: 'a.example', forward: ['192.0.2.1:5353'] },
    [],
  ],
  ['domain=a.example\nno-resolv\nno-hosts\nlocal=/a.example/', { domain: 'a.example' }, []],
  [
    'domain=a.example\nno-resolv\nno-hosts\nserver=/b.example/192.0.2.1\nserver=2001:db8::1',
    { domain: 'a.example' },
    ['servers for some names only have no counterpart', 'it is not of the form ADDRESS or ADDRESS#PORT, of IPv4'],
  ],
  ['domain=a.example\nport=0\nserver=192.0.2.1', undefined, ['port=0 says that no names are answered']],
  [
    'no-resolv\nserver=192.0.2.1',
    undefined,
    ['names are answered in a domain here (names.domain), and no domain= names one'],
  ],
] as const) {
  test(`importDnsmasq() takes ${text.replaceAll('\n', ' ')} as names`, () => {
    const imported = importDnsmasq('x', { ...contextOf({ x: text }), serverAddress: '10.20.0.1' })
    assert.deepEqual(imported.names, names)
    assert.deepEqual(
      imported.notTaken.map(({ reason }) => reason),
      reasons,
    )
  })
}

test('importDhcpd() takes groups with options they define, and unknown clients that are denied', () => {
  const imported = importFixture(importDhcpd, 'dhcpd/two-groups.conf')
  assert.deepEqual(
    imported.hosts.map(({ name, macs, address, group, settings }) => [name, macs[0], address, group, settings]),
    [
      ['web1', '52:54:00:30:00:01', '10.30.0.11', 'group-23', {}],
      ['web2', '52:54:00:30:00:02', '10.30.0.12', 'group-23', {}],
      ['db1', '52:54:00:30:00:21', '10.30.0.21', 'group-33', { options: { 26: '9000' } }],
      ['db2', '52:54:00:30:00:22', '10.30.0.22', 'group-33', { bootFile: 'rescue.0', ipxeBootFile: 'rescue.0' }],
    ],
  )
  assert.deepEqual(imported.groups['group-23'], {
    bootFile: '/var/lib/tftpboot/pxelinux.0',
    ipxeBootFile: '/var/lib/tftpboot/pxelinux.0',
    options: { 209: 'text:pxelinux.cfg/web', 210: 'text:/web/', 224: 'u16:7' },
  })
  assert.deepEqual(imported.subnets, [
    {
      ...{ subnet: '10.30.0.0/23', pools: ['10.30.1.10-10.30.1.200'], routers: ['10.30.0.254'] },
      ...{ nextServer: '10.30.0.1', unknown: 'ignore' },
    },
  ])
  assert.deepEqual(leftOut(imported), [
    'two-groups.conf:4: a lease is given for leaseSeconds, whatever is asked for',
    'two-groups.conf:5: names are not registered with a DNS server here',
    'two-groups.conf:6: how the old service ran does not concern the new one',
    'two-groups.conf:42: no option dhcp-client-identifier is known',
    'two-groups.conf:42: it has no MAC address; machines are known by theirs',
    'two-groups.conf:43: it is not known here',
  ])
})

test('importDhcpd() makes classes of classes and of a chain of conditions: the first wins, and a class over a condition', () => {
  const { classes, settings, subnets } = importFixture(importDhcpd, 'dhcpd/pc-and-mac.conf')
  assert.deepEqual(
    classes.map(({ match, bootFile, ipxeBootFile, nextServer }) => [match, bootFile ?? ipxeBootFile, nextServer]),
    [
      [{ architecture: [6] }, 'i386-efi/core.efi', undefined],
      [{ architecture: [7, 9] }, 'x86_64-efi/core.efi', undefined],
      [{ userClass: 'iPXE' }, 'http://10.40.0.1/boot.ipxe', undefined],
      [{ vendorClass: 'dect' }, undefined, '10.40.0.9'],
      [{ vendorClass: 'Phone*' }, undefined, '10.40.0.9'],
      [{ vendorClass: 'AAPLBSDPC/i386*' }, 'mactel64.efi', '10.40.0.1'],
    ],
  )
  assert.equal(settings.bootFile, 'i386-pc/core.0')
  assert.equal(subnets[0]?.bootp, 'dynamic')
})

test('importDhcpd() leaves out what one pool says, and what dhcpd itself never finds to be so', () => {
  const text = `
option arch code 93 = unsigned integer 16;
class "short" { match if option arch = 7; filename "never"; }
subnet 10.1.0.0 netmask 255.255.255.0 { pool { range 10.1.0.10 10.1.0.20; filename "pool"; } }
host a { hardware ethernet 52:54:00:00:00:01; deny booting; }`
  const imported = importDhcpd('x', contextOf({ x: text }))
  assert.deepEqual([imported.classes, imported.hosts[0]?.settings], [[], { answer: false }])
  assert.deepEqual(imported.subnets, [{ subnet: '10.1.0.0/24', pools: ['10.1.0.10-10.1.0.20'] }])
  assert.deepEqual(leftOut(imported), [
    'x:3: "option arch = 7" is nothing a class can ask here (options 60, 77 and 93 are)',
    'x:4: bootFile: what holds in one pool alone has no counterpart',
  ])
})

test('importDhcpd() lets a group win over a class, as dhcpd does', () => {
  const text = `
option arch code 93 = unsigned integer 16;
if option arch = 00:07 { filename "efi"; } else { filename "bios"; }
subnet 10.1.0.0 netmask 255.255.255.0 { }
group { filename "own"; host a { hardware ethernet 52:54:00:00:00:01; } }`
  const { hosts } = importDhcpd('x', contextOf({ x: text }))
  assert.deepEqual(hosts[0]?.settings, { bootFile: 'own', ipxeBootFile: 'own' })
})

const broken: [criterion: string, text: string, expected: RegExp][] = [
  [
    'a brace without its other',
    'subnet 10.0.0.0 netmask 255.255.255.0 {\n  option routers 10.0.0.1;',
    /^x:1: this \{ has no \}/,
  ],
  ['a } too many', 'authoritative;\n}', /^x:2: this \} has no \{/],
  ['a statement without its end', 'group {\n next-server 10.0.0.1\n}', /^x:2: "next-server 10.0.0.1" has no ;/],
  ['a quote without its other', '# fine "\nfilename "x;', /^x:2: this " has no other/],
]

for (const [criterion, text, expected] of broken) {
  test(`importDhcpd() refuses ${criterion}, with its line`, () => {
    assert.throws(() => importDhcpd('x', contextOf({ x: text })), { name: 'StatementInvalid', message: expected })
  })
}

test('both importers leave out, with its place, what belongs to two machines', () => {
  const twice =
    'dhcp-host=52:54:00:00:00:01,a,10.0.0.1\ndhcp-host=52:54:00:00:00:01,b,10.0.0.1\ndhcp-host=52:54:00:00:00:02,c,10.0.0.1'
  assert.deepEqual(
    leftOut(importDnsmasq('x', { ...contextOf({ x: `port=0\n${twice}` }), serverAddress: '10.0.0.9' })),
    ['x:2: its MAC is said again in x:3, which holds', 'x:4: 10.0.0.1 belongs to b already (x:3)'],
  )
  const same = 'host a { hardware ethernet 52:54:00:00:00:01; }\nhost a { hardware ethernet 52:54:00:00:00:02; }'
  assert.deepEqual(leftOut(importDhcpd('x', contextOf({ x: same }))), ['x:2: there is another a (x:1)'])
})

test('importEthers() takes machines alone', () => {
  const { hosts, subnets, notTaken } = importFixture(importEthers, 'dnsmasq/etc/ethers')
  assert.deepEqual([hosts.length, subnets.length, notTaken.length], [6, 0, 1])
  assert.deepEqual([hosts[2]?.name, hosts[2]?.macs, hosts[2]?.address], ['node3', ['52:54:00:20:00:03'], '10.20.0.13'])
})

test('importPxelinux() serves a TFTP root as it is and makes machines of the files named after MACs', () => {
  const files: Record<string, string[]> = {
    '/srv/tftp': ['menu.c32', 'pxelinux.0', 'pxelinux.cfg'],
    '/srv/tftp/pxelinux.cfg': ['01-52-54-00-00-00-0A', '0A140B', 'default'],
  }
  const imported = importPxelinux('/srv/tftp', { ...contextOf(), list: (path) => files[path] ?? [] })
  assert.deepEqual([imported.files, imported.settings], ['/srv/tftp', { handMade: 'pxelinux.0' }])
  assert.deepEqual(
    imported.hosts.map(({ name, macs }) => [name, macs]),
    [['m-52540000000a', ['52:54:00:00:00:0a']]],
  )
  assert.deepEqual(leftOut(imported), ['0A140B:0: it names no MAC, so no machine is made of it; it is served as it is'])
})
