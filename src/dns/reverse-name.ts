import { formatIpv4, type Ipv4, type Subnet, subnetContains, subnetOf } from '../bytes/ipv4.ts'

const suffix = 'in-addr.arpa'

/**
 * A name below in-addr.arpa (RFC 1035 §3.5): the addresses that begin as it says, `octets` of them known. `isBelow`: there
 * are labels in front that belong to no address.
 */
export type ReverseName = { covers: Subnet; octets: number; isBelow: boolean }

/** Undefined for every other name. `name` in lower case. */
export function parseReverseName(name: string): ReverseName | undefined {
  if (!name.endsWith(`.${suffix}`)) return undefined
  const labels = name
    .slice(0, -suffix.length - 1)
    .split('.')
    .reverse()
  const firstOther = labels.findIndex((label) => !/^(0|[1-9]\d{0,2})$/.test(label) || Number(label) > 255)
  const octets = Math.min(firstOther < 0 ? labels.length : firstOther, 4)
  if (octets === 0) return undefined
  const address = labels.slice(0, octets).reduce((sum, label, index) => sum + Number(label) * 2 ** (24 - 8 * index), 0)
  return { covers: subnetOf(address as Ipv4, 8 * octets), octets, isBelow: labels.length > octets }
}

/** `7.0.0.10.in-addr.arpa`; with fewer octets the name of all addresses that begin so. */
export function formatReverseName(address: Ipv4, octets = 4): string {
  return `${formatIpv4(address).split('.').slice(0, octets).reverse().join('.')}.${suffix}`
}

/** The octets that a subnet's zone is named by: a zone ends at an octet, and one as wide as the subnet may be several. */
export function zoneOctets({ prefixLength }: Subnet): number {
  return Math.max(1, Math.min(3, Math.ceil(prefixLength / 8)))
}

/** Whether the name is the subnet's: all of it, or the zone it lies in. */
export function isWithin({ covers, octets }: ReverseName, subnet: Subnet): boolean {
  if (covers.prefixLength >= subnet.prefixLength) return subnetContains(subnet, covers.network)
  return octets === zoneOctets(subnet) && subnetContains(covers, subnet.network)
}
