import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Machine } from './core/machine.ts'
import { parseSiteFile } from './dhcp/site-file.ts'
import { siteMenus } from './site-menus.ts'

const disk = '{ name: disk, title: Its disk, boot: disk }'
const site = (menu: string) => `interfaces: { eth1: { mode: authoritative } }
settings: { menu: { entries: [${disk}] } }
groups:
  web: { menu: { timeoutSeconds: 5, entries: [${disk}, { name: old, title: Old, kernel: old/vmlinuz }] } }
machines:
  rack-7: { menu: ${menu} }
`
const machine = (name: string, group: string) => ({ name, group }) as Machine

test('siteMenus() gives a machine its own menu, else that of its group, else that of everybody', () => {
  const menuOf = siteMenus(parseSiteFile(site(`{ defaultEntry: disk, entries: [${disk}] }`), 'site.yaml'))
  assert.equal(menuOf(machine('rack-7', 'web'))?.defaultEntry, 'disk')
  assert.equal(menuOf(machine('rack-8', 'web'))?.timeoutSeconds, 5)
  assert.equal(menuOf(machine('rack-9', 'default'))?.entries.length, 1)
})

for (const [menu, problem] of [
  [`{ entries: [${disk}, ${disk}] }`, /site\.yaml:6:\d+: .*two entries have the name disk/],
  [`{ defaultEntry: other, entries: [${disk}] }`, /it has no entry other/],
  ['{ entries: [{ name: x, title: X }] }', /the entry x needs either boot \(disk, agent\) or a kernel/],
  ['{ entries: [{ name: x, title: X, kernel: ../etc/passwd }] }', /site\.yaml:6:/],
] as const) {
  test(`siteMenus() refuses ${menu}`, () => {
    assert.throws(() => siteMenus(parseSiteFile(site(menu), 'site.yaml')), problem)
  })
}
