import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from './bytes/mac.ts'
import type { Newcomer, NewcomerRules } from './core/newcomer.ts'
import { parseSiteFile } from './dhcp/site-file.ts'
import { siteNewcomers } from './newcomer-rules.ts'

const site = (rest: string) => parseSiteFile(`interfaces: { eth1: { mode: authoritative } }\n${rest}`, 'site.yaml')
const from = (address: string, more: Partial<Newcomer> = {}): Newcomer => ({
  ...{ address, macs: [parseMac('52:54:00:00:00:01')] },
  ...more,
})

const rulesOf = siteNewcomers(
  site(`settings: { unknown: ignore, newcomers: { group: lab, labels: { site: a } } }
subnets:
  - { subnet: 10.1.0.0/24, unknown: approve, newcomers: { name: 'r1-{number:2}', nameFromDns: true } }
  - { subnet: 10.2.0.0/24 }
groups:
  web:
    claims: [{ mac: 'd0:94:66' }, { serial: 'WEB*' }]
    unknown: approve
    newcomers: { name: 'web-{number}', labels: { role: front } }
  store: { claims: [{ product: 'SC*' }], unknown: ignore }
  desk: { unknown: discover }
  plain: { domain: example }
`),
)

const everybody: NewcomerRules = { unknown: 'ignore', nameFromDns: false, group: 'lab', labels: { site: 'a' } }
const rack1: NewcomerRules = { ...everybody, unknown: 'approve', name: 'r1-{number:2}', nameFromDns: true }
const web: NewcomerRules = {
  ...{ unknown: 'approve', nameFromDns: false, name: 'web-{number}', labels: { role: 'front' } },
  ...{ group: 'web', claimedBy: 'web' },
}
const rows: [criterion: string, newcomer: Newcomer, rules: NewcomerRules][] = [
  ['what a subnet says before what everybody is told', from('10.1.0.7'), rack1],
  ['what everybody is told on a subnet that says nothing', from('10.2.0.7'), everybody],
  ['what everybody is told elsewhere', from('10.9.0.7'), everybody],
  ['a group that claims it by its MAC address', from('10.9.0.7', { macs: [parseMac('d0:94:66:00:00:01')] }), web],
  [
    "a group before a subnet, and the subnet's where the group says nothing",
    from('10.1.0.7', { smbios: { serial: 'web17' } }),
    { ...web, nameFromDns: true },
  ],
  [
    'a group that ignores its strangers',
    from('10.1.0.7', { smbios: { product: 'SC847' } }),
    { ...rack1, unknown: 'ignore', group: 'store', claimedBy: 'store' },
  ],
  [
    'the group that it is in, whoever else claims it',
    from('10.1.0.7', { group: 'desk', smbios: { product: 'SC847' } }),
    { ...rack1, unknown: 'discover', group: 'desk', claimedBy: 'desk' },
  ],
  [
    "its subnet's policy where its group has none",
    from('10.1.0.7', { group: 'plain' }),
    { ...rack1, group: 'plain', claimedBy: 'plain' },
  ],
]

for (const [criterion, newcomer, rules] of rows) {
  test(`siteNewcomers() takes ${criterion}`, () => assert.deepEqual(rulesOf(newcomer), rules))
}

test('siteNewcomers() looks into strangers where nothing is said', () => {
  assert.deepEqual(siteNewcomers(site(''))(from('10.0.0.1')), { unknown: 'discover', nameFromDns: false })
})

for (const [what, text, words] of [
  [
    'a pattern that makes no name',
    "subnets:\n  - { subnet: 10.1.0.0/24, newcomers: { name: '{colour}' } }",
    /site\.yaml:3:\d+: .*no \{colour\}/,
  ],
  ["a group's pattern that makes none", "groups:\n  web: { newcomers: { name: '{colour}' } }", /site\.yaml:3:\d+:/],
  ['claims of those that are in no group', 'groups:\n  default: { unknown: ignore }', /in no group.*under settings/],
] as const) {
  test(`siteNewcomers() refuses ${what}, with its place`, () => {
    assert.throws(() => siteNewcomers(site(text)), words)
  })
}
