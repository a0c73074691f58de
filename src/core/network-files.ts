import type { Mac } from '../bytes/mac.ts'

/** What configures the network in the image. */
export type NetworkManagement = 'netplan' | 'networkd' | 'NetworkManager' | 'ifupdown' | 'none'

export type NetworkFile = { path: string; mode: number; text: string }

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
