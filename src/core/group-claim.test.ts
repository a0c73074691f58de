import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import { claimingGroup, type GroupClaim, type Stranger } from './group-claim.ts'

const mac = parseMac('d0:94:66:0a:0b:0c')
const smbios = { manufacturer: 'Dell Inc. ', product: 'PowerEdge R640', serial: 'S4EVNX1' }
const reported: Stranger = { macs: [parseMac('00:00:5e:00:00:01'), mac], smbios }
const unreported: Stranger = { macs: [mac] }

const rows: [criterion: string, claim: GroupClaim, stranger: Stranger, isClaimed: boolean][] = [
  ["the vendor's bytes of a MAC address", { mac: 'D0-94-66' }, unreported, true],
  ['more bytes of it', { mac: 'd0:94:66:0b' }, unreported, false],
  ['any card of the machine', { mac: 'd0:94:66:0a' }, reported, true],
  ['a serial number as it is, in any case', { serial: 's4evnx1' }, reported, true],
  ['the beginning of a serial number', { serial: 'S4EV*' }, reported, true],
  ['another beginning', { serial: 'S5*' }, reported, false],
  ['a manufacturer with spaces behind it', { manufacturer: 'Dell Inc.' }, reported, true],
  ['product and manufacturer', { manufacturer: 'Dell*', product: '*R640' }, reported, true],
  ['only one of both', { manufacturer: 'Dell*', product: '*R650' }, reported, false],
  ['a serial number before the agent has reported', { serial: '*' }, unreported, false],
  ['a MAC address and a serial number before that', { mac: 'd0:94:66', serial: '*' }, unreported, false],
]

for (const [criterion, claim, stranger, isClaimed] of rows) {
  test(`claimingGroup() goes by ${criterion}: ${isClaimed}`, () => {
    assert.equal(claimingGroup([['web', [{ serial: 'none' }, claim]]], stranger), isClaimed ? 'web' : undefined)
  })
}

test('claimingGroup() gives the first group of several', () => {
  const claims: GroupClaim[] = [{ mac: 'd0:94:66' }]
  const groups = [
    ['none', []],
    ['web', claims],
    ['lab', claims],
  ] as const
  assert.equal(claimingGroup(groups, unreported), 'web')
})
