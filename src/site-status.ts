import { formatIpv4, formatSubnet } from './bytes/ipv4.ts'
import type { NameService } from './core/name-service.ts'
import type { DhcpSite } from './dhcp/dhcp-site.ts'
import type { PacketsPart } from './packets-part.ts'

/** `eth1: authoritative, 10.0.0.1, subnets 10.0.0.0/24`, one an interface. */
export function describeInterfaces({ interfaces }: DhcpSite): string[] {
  return interfaces.map(({ name, answers, isSilent, serverAddress, subnets }) => {
    const mode = isSilent ? `listen (as ${answers})` : answers
    return `${name}: ${mode}, ${formatIpv4(serverAddress)}, subnets ${subnets.map((each) => formatSubnet(each.subnet)).join(' ')}`
  })
}

/** `rack.example on eth1, others from 192.0.2.53:53`. */
function describeNames({ domain, interfaces, upstreams }: NameService): string {
  const others = upstreams.map(({ address, port }) => `${address}:${port}`).join(' ') || 'nowhere'
  return `${domain} on ${interfaces.join(' ')}, others from ${others}`
}

/** What `bootwright status` says of DHCP and names; other servers only where there are any. */
export function siteStatus(dhcp: DhcpSite, { timeline }: Pick<PacketsPart, 'timeline'>): Record<string, unknown> {
  const { otherServers } = timeline
  return {
    interfaces: describeInterfaces(dhcp).join('; '),
    ...(dhcp.names && { names: describeNames(dhcp.names) }),
    ...(otherServers.length > 0 && {
      warning: otherServers
        .map((each) => `another DHCP server, ${each.server}, answers on ${each.interface} (${each.how})`)
        .join('; '),
    }),
  }
}
