import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteFile } from '../dhcp/site-file.ts'
import type { Word } from './dhcpd-statement.ts'
import type { ImportContext } from './imported.ts'
import { type OldServer, Unclear } from './old-server.ts'
import { formatRehearsal, rehearse } from './rehearsal.ts'
import { RehearsedDhcpd } from './rehearse-dhcpd.ts'
import { evaluateExpression } from './rehearse-dhcpd-expression.ts'
import { RehearsedDnsmasq } from './rehearse-dnsmasq.ts'
import { ImportedSiteInvalid, RehearsedSite } from './rehearse-ours.ts'

function contextOf(files: Record<string, string>): ImportContext {
  return { read: (path) => files[path] ?? '', list: () => [], interfaces: {} }
}

const site: SiteFile = {
  interfaces: { eth0: { mode: 'authoritative' } },
  settings: { bootFile: 'pxelinux.0', ipxeBootFile: 'pxelinux.0' },
  subnets: [{ subnet: '10.1.0.0/24', pools: ['10.1.0.10-10.1.0.20'], nextServer: '10.1.0.2' }],
}
const machines = [
  { name: 'a', macs: ['52:54:00:00:00:01'], address: '10.1.0.254' },
  { name: 'b', macs: ['52:54:00:00:00:02'] },
]

test('rehearse() and formatRehearsal() fold what is the same and tell what is not, with its reason', () => {
  const text = `next-server 10.1.0.2; filename "pxelinux.0";
subnet 10.1.0.0 netmask 255.255.255.0 { range 10.1.0.10 10.1.0.20; }
host a { hardware ethernet 52:54:00:00:00:01; fixed-address 10.1.0.254; }
host b { hardware ethernet 52:54:00:00:00:02; filename "own.0"; }
host c { hardware ethernet 52:54:00:00:00:03;
  fixed-address 10.1.0.7; }`
  const place = { file: 'x', line: 5, text: 'host c { … }', reason: 'it is not wanted' }
  const rehearsed = rehearse(
    new RehearsedDhcpd('x', contextOf({ x: text })),
    new RehearsedSite(site, machines, undefined),
    [place],
  )
  const url = 'firmware that boots over HTTP is given a URL, not a name for TFTP'
  assert.equal(
    formatRehearsal(rehearsed),
    `a 52:54:00:00:00:01: same: BIOS, UEFI x64, iPXE: 10.1.0.254, pxelinux.0 from 10.1.0.2
  UEFI HTTP: boot file: pxelinux.0 → http://itself:4280/pxelinux.0: ${url}
b 52:54:00:00:00:02: nothing is the same
  BIOS: boot file: own.0 → pxelinux.0: option 93 = 0 and no iPXE user class; it is configured
  UEFI x64: boot file: own.0 → pxelinux.0: option 93 = 7 and no iPXE user class; it is configured
  UEFI HTTP: boot file: own.0 → http://itself:4280/pxelinux.0: ${url}
  iPXE: boot file: own.0 → pxelinux.0: iPXE asks: option 77 = iPXE (option 93 = 7); it is configured
c 52:54:00:00:00:03: nothing is the same
  all firmware: address: 10.1.0.7 → from the pool: x:5: it is not wanted
  UEFI HTTP: boot file: pxelinux.0 → http://itself:4280/pxelinux.0: ${url}
unknown machines on 10.1.0.0/24: same: BIOS, UEFI x64, iPXE: from the pool, pxelinux.0 from 10.1.0.2
  UEFI HTTP: boot file: pxelinux.0 → http://itself:4280/pxelinux.0: ${url}
4 machines, 16 answers: 6 the same, 10 not
`,
  )
})

test('rehearse() says "all firmware: same" in one line, and asks as a Mac where the file knows Macs', () => {
  const text = 'dhcp-range=10.1.0.10,static,255.255.255.0\ndhcp-vendorclass=set:mac,AAPLBSDPC'
  const ignored: SiteFile = { ...site, subnets: [{ subnet: '10.1.0.0/24', pools: [], unknown: 'ignore' }] }
  const old = new RehearsedDnsmasq('x', contextOf({ x: text }))
  const rehearsed = rehearse(old, new RehearsedSite(ignored, [], undefined), [])
  assert.equal(
    formatRehearsal(rehearsed),
    'unknown machines on 10.1.0.0/24: all firmware: same: no answer\n1 machines, 5 answers: 5 the same, 0 not\n',
  )
})

for (const [criterion, old] of [
  [
    'a condition that is not known here',
    new RehearsedDhcpd(
      'x',
      contextOf({
        x: 'subnet 10.1.0.0 netmask 255.255.255.0 { range 10.1.0.9; if gethostname() = "a" { filename "b"; } }',
      }),
    ),
  ],
  [
    'a menu',
    new RehearsedDnsmasq('x', contextOf({ x: 'dhcp-range=10.1.0.9,10.1.0.9,255.255.255.0\npxe-service=x86PC,"a",b' })),
  ],
] as [string, OldServer][]) {
  test(`rehearse() says of ${criterion} that the old answer is unclear`, () => {
    const [unknown] = rehearse(old, new RehearsedSite(site, [], undefined), [])
    assert.equal(unknown?.answers[0]?.old.kind, 'unclear')
    assert.equal(unknown?.answers[0]?.differences[0]?.old, 'unclear')
  })
}

test('RehearsedSite refuses what names no network', () => {
  const { subnets: _, ...without } = site
  assert.throws(() => new RehearsedSite(without, [], undefined), ImportedSiteInvalid)
})

const client = {
  option: (name: string) => ({ arch: '\0\x07', class: 'PXEClient:Arch' })[name],
  hardware: '\x01\x52\x54\0\0\0\x01',
  isKnown: false,
}
const expressions: [text: string, expected: unknown][] = [
  ['option arch = 00:07', true],
  ['option arch = 7', false],
  ['option arch ! = 00:09', true],
  ['option none = 00:07', false],
  ['not exists none and known', false],
  ['option arch = 00:07 or option arch = 00:09 and known', true],
  ['( option arch = 00:07 or option arch = 00:09 ) and known', false],
  ['substring ( option class , 0 , 3 ) = "PXE"', true],
  ['suffix ( option class , 4 )', 'Arch'],
  ['substring ( hardware , 1 , 3 ) = 52:54:00', true],
  ['lcase ( pick-first-value ( option none , option class ) ) = "pxeclient:arch"', true],
  ['concat ( "a" , option none )', undefined],
  ['concat ( "a" , d1 )', 'a\xd1'],
]

for (const [text, expected] of expressions) {
  test(`evaluateExpression() finds ${text} to be ${JSON.stringify(expected)}`, () => {
    assert.equal(evaluateExpression(wordsOf(text), client), expected)
  })
}

test('evaluateExpression() throws Unclear for what it does not know, and for what is cut off', () => {
  for (const text of ['gethostname ( )', 'option arch =', 'substring ( option class , 0', 'known known']) {
    assert.throws(() => evaluateExpression(wordsOf(text), client), Unclear, text)
  }
})

function wordsOf(text: string): Word[] {
  return text
    .split(' ')
    .map((word) =>
      word.startsWith('"') ? { text: word.slice(1, -1), isQuoted: true } : { text: word, isQuoted: false },
    )
}
