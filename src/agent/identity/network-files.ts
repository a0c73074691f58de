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
export function writeNetwork(root: InsideRoot, mac: Mac, vlan?: number): string {
  const management = detectNetworkManagement(root)
  if (management === 'none')
    return 'no network was configured: the image has no networkd, ifupdown, NetworkManager or netplan'
  for (const file of networkFiles(management, mac, vlan)) root.writeText(file.path, file.text, file.mode)
  if (management === 'networkd') enableNetworkd(root)
  if (management === 'ifupdown') sourceInterfacesDirectory(root)
  return `DHCP on ${mac}${vlan === undefined ? '' : `, VLAN ${vlan},`} by ${management}`
}

/**
 * The interface is named by its MAC: names differ between the ramdisk and the deployed system. DHCP identifies itself
 * by the MAC where it can be told to, so that the machine keeps the address it booted with.
 */
export function networkFiles(
  management: Exclude<NetworkManagement, 'none'>,
  mac: Mac,
  vlan: number | undefined,
): NetworkFile[] {
  switch (management) {
    case 'netplan': {
      const text = `${origin}\nnetwork:\n${`version: 2\n${ethernetsYaml(mac, vlan)}`.replace(/^(?=.)/gm, '  ')}`
      return [{ path: '/etc/netplan/50-bootwright.yaml', mode: 0o600, text }]
    }
    case 'networkd':
      return networkdFiles(mac, vlan)
    case 'NetworkManager':
      return [
        {
          path: '/etc/NetworkManager/system-connections/bootwright.nmconnection',
          mode: 0o600,
          text: networkManagerText(mac, vlan),
        },
      ]
    case 'ifupdown':
      return [{ path: '/etc/network/interfaces.d/bootwright', mode: 0o644, text: ifupdownText(mac, vlan) }]
  }
}

const origin = '# Written by Bootwright when it deployed this machine: the interface it was booted from.'

function networkdFiles(mac: Mac, vlan: number | undefined): NetworkFile[] {
  const file = (name: string, text: string) => ({
    ...{ path: `/etc/systemd/network/${name}`, mode: 0o644 },
    text: `${origin}\n${text}`,
  })
  const card = `[Match]\nMACAddress=${mac}\nType=ether\n`
  const dhcp = '\n[Network]\nDHCP=yes\n\n[DHCPv4]\nClientIdentifier=mac\n'
  if (vlan === undefined) return [file('50-bootwright.network', `${card}${dhcp}`)]
  const name = `vlan${vlan}`
  return [
    file('50-bootwright.network', `${card}\n[Network]\nVLAN=${name}\nLinkLocalAddressing=no\n`),
    file('50-bootwright-vlan.netdev', `[NetDev]\nName=${name}\nKind=vlan\n\n[VLAN]\nId=${vlan}\n`),
    file('50-bootwright-vlan.network', `[Match]\nName=${name}\n${dhcp}`),
  ]
}

/** Of netplan's version 2, which cloud-init takes as well. */
export function ethernetsYaml(mac: Mac, vlan: number | undefined): string {
  const card = `ethernets:\n  bootwright:\n    match:\n      macaddress: "${mac}"\n`
  const dhcp = '    dhcp4: true\n    dhcp-identifier: mac\n'
  if (vlan === undefined) return `${card}${dhcp}`
  return `${card}vlans:\n  vlan${vlan}:\n    id: ${vlan}\n    link: bootwright\n${dhcp}`
}

/** A VLAN whose `parent` is not given is on the card of that address (nm-settings-keyfile(5)). */
function networkManagerText(mac: Mac, vlan: number | undefined): string {
  const type = vlan === undefined ? 'type=ethernet' : `type=vlan\ninterface-name=vlan${vlan}`
  const tag = vlan === undefined ? '' : `\n[vlan]\nid=${vlan}\n`
  return `${origin}
[connection]
id=bootwright
${type}

[ethernet]
mac-address=${mac.toUpperCase()}
${tag}
[ipv4]
method=auto
dhcp-client-id=mac

[ipv6]
method=auto
`
}

/**
 * interfaces(5), "Pattern matching interfaces": ifupdown 0.8.36 (Debian 11) and later. The card's name is known only when
 * it is brought up, so that is when its VLAN is made.
 */
function ifupdownText(mac: Mac, vlan: number | undefined): string {
  const auto = `${origin}\nauto /mac/${mac}=bootwright\n`
  if (vlan === undefined) return `${auto}iface bootwright inet dhcp\n`
  const name = `vlan${vlan}`
  return `${auto}iface bootwright inet manual
  up ip link add link $IFACE name ${name} type vlan id ${vlan} && ifup ${name}
  down ifdown ${name}; ip link del ${name}
iface ${name} inet dhcp
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
