import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeContext, makeRequest, web1 } from '../../test/fixtures/dhcp-request.ts'
import { parseIpv4, parseSubnet } from '../bytes/ipv4.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'
import type { BootRecord } from '../core/machine.ts'
import { decide } from './decide.ts'
import { makeSite } from './make-site.ts'
import { parseSiteFile } from './site-file.ts'

const facts = [{ interface: 'eth1', address: parseIpv4('10.9.0.1'), subnet: parseSubnet('10.9.0.0/24') }]
const dell = parseMac('d0:94:66:00:00:01')
const lab = parseMac('52:54:00:12:00:01')
const other = parseMac('00:00:5e:00:00:01')

/** What the site file says of strangers, and whether a DISCOVER of this MAC address is answered. */
function isAnswered(unknown: string, mac: Mac, machine?: Partial<BootRecord>): boolean {
  const file = parseSiteFile(
    `interfaces: { eth1: { mode: authoritative } }
settings: { unknown: ${unknown} }
groups:
  web: { claims: [{ mac: 'D0-94-66' }], unknown: approve }
  lab: { claims: [{ mac: '52:54:00:12' }, { mac: '00:00:5e', serial: 'X*' }], unknown: ignore }
`,
    'site.yaml',
  )
  const made = makeSite(file.content, facts, 4280)
  assert.ok('site' in made)
  const [config] = made.site.interfaces[0]!.subnets
  const machines = machine === undefined ? [] : [{ ...web1, macs: [mac], isNewcomer: true, ...machine }]
  const context = { ...makeContext({ machines }), config: config!, rules: made.site.rules }
  const decision = decide(makeRequest(context, { mac }), context)
  if (decision.kind === 'ignore') assert.match(decision.reason, /unknown machines are ignored here/)
  return decision.kind === 'reply'
}

const rows: [criterion: string, unknown: string, mac: Mac, machine: Partial<BootRecord> | undefined, boolean][] = [
  ['one that a group claims, where strangers are ignored', 'ignore', dell, undefined, true],
  ['the same when it was noticed', 'ignore', dell, {}, true],
  ['one that nobody claims there', 'ignore', other, undefined, false],
  ['one whose group ignores its strangers', 'discover', lab, undefined, false],
  ['the same when it was noticed', 'discover', lab, {}, false],
  ['the same when a person has put it into another group', 'discover', lab, { group: 'web' }, true],
  ['the same when it is approved', 'discover', lab, { isNewcomer: false }, true],
  ['one that a group claims by more than its MAC address', 'discover', other, undefined, true],
  ['the same when its agent has told what puts it into that group', 'discover', other, { group: 'lab' }, false],
]

for (const [criterion, unknown, mac, machine, answered] of rows) {
  test(`decide() ${answered ? 'answers' : 'ignores'} ${criterion} (${unknown})`, () => {
    assert.equal(isAnswered(unknown, mac, machine), answered)
  })
}
