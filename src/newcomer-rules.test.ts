import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSiteFile } from './dhcp/site-file.ts'
import { siteNewcomers } from './newcomer-rules.ts'

const site = (rest: string) => parseSiteFile(`interfaces: { eth1: { mode: authoritative } }\n${rest}`, 'site.yaml')

test('siteNewcomers() takes what a subnet says before what everybody is told', () => {
  const at = siteNewcomers(
    site(`settings: { unknown: ignore, newcomers: { group: lab, labels: { site: a } } }
subnets:
  - { subnet: 10.1.0.0/24, unknown: approve, newcomers: { name: 'r1-{number:2}', nameFromDns: true } }
  - { subnet: 10.2.0.0/24 }`),
  )
  const everybody = { unknown: 'ignore', nameFromDns: false, group: 'lab', labels: { site: 'a' } }
  assert.deepEqual(at('10.1.0.7'), { ...everybody, unknown: 'approve', name: 'r1-{number:2}', nameFromDns: true })
  assert.deepEqual(at('10.2.0.7'), everybody)
  assert.deepEqual(at('10.9.0.7'), everybody)
})

test('siteNewcomers() looks into strangers where nothing is said', () => {
  assert.deepEqual(siteNewcomers(site(''))('10.0.0.1'), { unknown: 'discover', nameFromDns: false })
})

test('siteNewcomers() refuses a pattern that makes no name, with its place', () => {
  const wrong = site("subnets:\n  - { subnet: 10.1.0.0/24, newcomers: { name: '{colour}' } }")
  assert.throws(() => siteNewcomers(wrong), /site\.yaml:3:\d+: .*no \{colour\}/)
})
