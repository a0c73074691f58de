import { type Ipv4, parseIpv4, parseSubnet, subnetContains } from './bytes/ipv4.ts'
import { type ConsoleMenuPolicy, usualMenuPolicy } from './core/console-menu.ts'
import type { Machine } from './core/machine.ts'
import type { SiteFile } from './dhcp/site-file.ts'

/** What holds for a machine's console menu: each part from itself, its group, the subnet it asks from, or everybody. */
export function siteConsoleMenus({
  settings,
  subnets = [],
  groups = {},
  machines = {},
}: SiteFile): (machine: Pick<Machine, 'name' | 'group'>, address: string) => ConsoleMenuPolicy {
  const ofSubnets = subnets.map(({ subnet, consoleMenu }) => ({ subnet: parseSubnet(subnet), consoleMenu }))
  const ofSubnet = (address: Ipv4) => ofSubnets.find(({ subnet }) => subnetContains(subnet, address))?.consoleMenu
  return ({ name, group }, address) => ({
    ...usualMenuPolicy,
    ...settings?.consoleMenu,
    ...ofSubnet(parseIpv4(address)),
    ...groups[group]?.consoleMenu,
    ...machines[name]?.consoleMenu,
  })
}
