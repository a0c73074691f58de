import type { Mac } from '../../bytes/mac.ts'
import { type NetworkManagement, networkFiles } from '../../core/network-files.ts'
import type { InsideRoot } from '../inside-root.ts'

const networkdEnabled = '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service'
const networkdUnits = ['/usr/lib/systemd/system', '/lib/systemd/system']

/**
 * The first that would act at boot: netplan writes the others' files; networkd is part of Debian's systemd package, so
 * being there says little and being enabled says all; the others are installed only to be used.
 */
export function detectNetworkManagement(root: InsideRoot): NetworkManagement {
  if (root.isExecutable('/usr/sbin/netplan')) return 'netplan'
  if (root.isSymbolicLink(networkdEnabled)) return 'networkd'
  if (root.isExecutable('/usr/sbin/NetworkManager')) return 'NetworkManager'
  if (root.isExecutable('/usr/sbin/ifup') || root.isExecutable('/sbin/ifup')) return 'ifupdown'
  return networkdUnit(root) === undefined ? 'none' : 'networkd'
}

function networkdUnit(root: InsideRoot): string | undefined {
  return networkdUnits.map((place) => `${place}/systemd-networkd.service`).find((unit) => root.stat(unit)?.isFile())
}

/** Makes DHCP on the booted interface work in the deployed system; gives the sentence for the timeline. */
export function writeNetwork(root: InsideRoot, mac: Mac, vlan?: number): string {
  const management = detectNetworkManagement(root)
  if (management === 'none')
    return 'no network was configured: the image has no networkd, ifupdown, NetworkManager or netplan'
  for (const file of networkFiles(management, mac, vlan)) root.writeText(file.path, file.text, file.mode)
  if (management === 'networkd') enableNetworkd(root)
  if (management === 'ifupdown') sourceInterfacesDirectory(root)
  return `DHCP on ${mac}${vlan === undefined ? '' : `, VLAN ${vlan},`} by ${management}`
}

function enableNetworkd(root: InsideRoot): void {
  const unit = networkdUnit(root)
  if (unit === undefined || root.isSymbolicLink(networkdEnabled)) return
  const units = unit.slice(0, unit.lastIndexOf('/'))
  root.link(networkdEnabled, unit)
  root.link('/etc/systemd/system/sockets.target.wants/systemd-networkd.socket', `${units}/systemd-networkd.socket`)
  root.link(
    '/etc/systemd/system/network-online.target.wants/systemd-networkd-wait-online.service',
    `${units}/systemd-networkd-wait-online.service`,
  )
}

const interfacesPath = '/etc/network/interfaces'

function sourceInterfacesDirectory(root: InsideRoot): void {
  const text = root.readText(interfacesPath) ?? 'auto lo\niface lo inet loopback\n'
  if (/^\s*source(-directory)?\s+(\/etc\/network\/)?interfaces\.d/m.test(text)) return
  root.writeText(interfacesPath, `${text}${text.endsWith('\n') ? '' : '\n'}source /etc/network/interfaces.d/*\n`)
}
