import { formatIpv4, formatSubnet } from './bytes/ipv4.ts'
import type { DhcpSite } from './dhcp/dhcp-site.ts'
import type { PacketsPart } from './packets-part.ts'

/** `eth1: authoritative, 10.0.0.1, subnets 10.0.0.0/24`, one an interface. */
export function describeInterfaces({ interfaces }: DhcpSite): string[] {
  return interfaces.map(({ name, answers, isSilent, serverAddress, subnets }) => {
    const mode = isSilent ? `listen (as ${answers})` : answers
    return `${name}: ${mode}, ${formatIpv4(serverAddress)}, subnets ${subnets.map((each) => formatSubnet(each.subnet)).join(' ')}`
  })
}

/** What `bootwright status` says of DHCP; other servers only where there are any. */
export function siteStatus(dhcp: DhcpSite, { timeline }: Pick<PacketsPart, 'timeline'>): Record<string, unknown> {
  const { otherServers } = timeline
  return {
    interfaces: describeInterfaces(dhcp).join('; '),
    ...(otherServers.length > 0 && {
      warning: otherServers
        .map((each) => `another DHCP server, ${each.server}, answers on ${each.interface} (${each.how})`)
        .join('; '),
    }),
  }
}
