import type { Mac } from '../../bytes/mac.ts'
import type { InsideRoot } from '../inside-root.ts'

/** What configures the network in the image. */
export type NetworkManagement = 'netplan' | 'networkd' | 'NetworkManager' | 'ifupdown' | 'none'

export type NetworkFile = { path: string; mode: number; text: string }

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
export function writeNetwork(root: InsideRoot, mac: Mac): string {
  const management = detectNetworkManagement(root)
  if (management === 'none')
    return 'no network was configured: the image has no networkd, ifupdown, NetworkManager or netplan'
  const file = networkFile(management, mac)
  root.writeText(file.path, file.text, file.mode)
  if (management === 'networkd') enableNetworkd(root)
  if (management === 'ifupdown') sourceInterfacesDirectory(root)
  return `DHCP on ${mac} by ${management}`
}

/**
 * The interface is named by its MAC: names differ between the ramdisk and the deployed system. DHCP identifies itself
 * by the MAC where it can be told to, so that the machine keeps the address it booted with.
 */
export function networkFile(management: Exclude<NetworkManagement, 'none'>, mac: Mac): NetworkFile {
  switch (management) {
    case 'netplan':
      return { path: '/etc/netplan/50-bootwright.yaml', mode: 0o600, text: netplanText(mac) }
    case 'networkd':
      return { path: '/etc/systemd/network/50-bootwright.network', mode: 0o644, text: networkdText(mac) }
    case 'NetworkManager':
      return {
        path: '/etc/NetworkManager/system-connections/bootwright.nmconnection',
        mode: 0o600,
        text: networkManagerText(mac),
      }
    case 'ifupdown':
      return { path: '/etc/network/interfaces.d/bootwright', mode: 0o644, text: ifupdownText(mac) }
  }
}

const origin = '# Written by Bootwright when it deployed this machine: the interface it was booted from.'

function networkdText(mac: Mac): string {
  return `${origin}
[Match]
MACAddress=${mac}
Type=ether

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
`
}

function netplanText(mac: Mac): string {
  return `${origin}
network:
  version: 2
  ethernets:
    bootwright:
      match:
        macaddress: "${mac}"
      dhcp4: true
      dhcp-identifier: mac
`
}

function networkManagerText(mac: Mac): string {
  return `${origin}
[connection]
id=bootwright
type=ethernet

[ethernet]
mac-address=${mac.toUpperCase()}

[ipv4]
method=auto
dhcp-client-id=mac

[ipv6]
method=auto
`
}

/** interfaces(5), "Pattern matching interfaces": ifupdown 0.8.36 (Debian 11) and later. */
function ifupdownText(mac: Mac): string {
  return `${origin}
auto /mac/${mac}=bootwright
iface bootwright inet dhcp
`
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
