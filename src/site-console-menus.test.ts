import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSiteFile } from './dhcp/site-file.ts'
import { siteConsoleMenus } from './site-console-menus.ts'

const hash = `$6$salt$${'x'.repeat(86)}`
const site = `interfaces: { eth1: { mode: authoritative } }
settings: { consoleMenu: { images: [debian], password: '${hash}' } }
subnets:
  - { subnet: 10.1.0.0/16, consoleMenu: { who: known } }
groups: { lab: { consoleMenu: { who: anyone } } }
machines: { rack-7: { consoleMenu: { images: [kiosk] } } }
`

test('siteConsoleMenus() takes each part from the machine, its group, its subnet, or everybody', () => {
  const policyOf = siteConsoleMenus(parseSiteFile(site, 'site.yaml').content)
  const usual = { images: ['debian'], password: hash }
  assert.deepEqual(policyOf({ name: 'a', group: 'default' }, '10.2.0.1'), { who: 'approved', ...usual })
  assert.deepEqual(policyOf({ name: 'a', group: 'default' }, '10.1.0.1'), { who: 'known', ...usual })
  assert.deepEqual(policyOf({ name: 'a', group: 'lab' }, '10.1.0.1'), { who: 'anyone', ...usual })
  assert.deepEqual(policyOf({ name: 'rack-7', group: 'lab' }, '10.1.0.1').images, ['kiosk'])
})

test('siteConsoleMenus() is for approved machines where the site file says nothing', () => {
  const policyOf = siteConsoleMenus(parseSiteFile('interfaces: { eth1: { mode: authoritative } }', 'site.yaml').content)
  assert.deepEqual(policyOf({ name: 'a', group: 'default' }, '10.1.0.1'), { who: 'approved' })
})

test('parseSiteFile() refuses a password in plain text', () => {
  const plain = site.replace(hash, 'secret')
  assert.throws(() => parseSiteFile(plain, 'site.yaml'), /consoleMenu.*password|password/)
})
