import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../../bytes/mac.ts'
import { networkFiles } from '../../core/network-files.ts'
import { InsideRoot } from '../inside-root.ts'
import { detectNetworkManagement, writeNetwork } from './network-files.ts'

const asText = { serializers: [(text: string) => text] }
const mac = parseMac('52:54:00:12:34:56')
const networkd = '/lib/systemd/system/systemd-networkd.service'

/** An image with these executables (and networkd's unit, as Debian's systemd package always has it). */
function image(t: TestContext, executables: string[]): InsideRoot {
  const directory = mkdtempSync(join(tmpdir(), 'network-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const root = new InsideRoot(directory)
  for (const path of executables) root.writeText(path, '', 0o755)
  root.writeText(networkd, '')
  return root
}

for (const management of ['netplan', 'networkd', 'NetworkManager', 'ifupdown'] as const) {
  test(`networkFiles() for ${management} ask for DHCP on the booted interface by its MAC, tagged or not`, (t) => {
    for (const [vlan, ending] of [[undefined, ''] as const, [42, '-vlan'] as const]) {
      const files = networkFiles(management, mac, vlan)
      const text = files.map((file) => `${file.path} ${file.mode.toString(8)}\n${file.text}`).join('\n')
      t.assert.fileSnapshot(text, join(import.meta.dirname, `goldens/network-${management}${ending}.txt`), asText)
    }
  })
}

test('detectNetworkManagement() takes what would act at boot', (t) => {
  const cases: [string[], string][] = [
    [['/usr/sbin/netplan', '/usr/sbin/NetworkManager'], 'netplan'],
    [['/usr/sbin/NetworkManager', '/usr/sbin/ifup'], 'NetworkManager'],
    [['/sbin/ifup'], 'ifupdown'],
    [[], 'networkd'],
  ]
  for (const [executables, expected] of cases) t.assert.equal(detectNetworkManagement(image(t, executables)), expected)
})

test('detectNetworkManagement() prefers networkd where it is enabled', (t) => {
  const root = image(t, ['/usr/sbin/NetworkManager', '/sbin/ifup'])
  root.link('/etc/systemd/system/multi-user.target.wants/systemd-networkd.service', networkd)
  t.assert.equal(detectNetworkManagement(root), 'networkd')
})

test('writeNetwork() enables networkd where nothing else is there', (t) => {
  const root = image(t, [])
  t.assert.equal(writeNetwork(root, mac), 'DHCP on 52:54:00:12:34:56 by networkd')
  const wanted = join(root.directory, 'etc/systemd/system/multi-user.target.wants/systemd-networkd.service')
  t.assert.equal(readlinkSync(wanted), networkd)
})

test('writeNetwork() makes ifupdown read its directory, once', (t) => {
  const root = image(t, ['/sbin/ifup'])
  root.writeText('/etc/network/interfaces', 'auto lo\niface lo inet loopback')
  writeNetwork(root, mac)
  writeNetwork(root, mac)
  t.assert.equal(
    root.readText('/etc/network/interfaces'),
    'auto lo\niface lo inet loopback\nsource /etc/network/interfaces.d/*\n',
  )
})

test('writeNetwork() says when the image cannot configure a network', (t) => {
  const root = image(t, [])
  root.remove(networkd)
  t.assert.match(writeNetwork(root, mac), /^no network was configured/)
})
