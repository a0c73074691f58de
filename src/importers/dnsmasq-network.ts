import { formatSubnet, parseIpv4, prefixLengthOf, subnetOf } from '../bytes/ipv4.ts'
import type { ImportContext } from './imported.ts'

/** Without a mask it is that of an interface here, else that of the address's old class, as dnsmasq does for relays. */
export function networkOfRange(
  address: string,
  mask: string | undefined,
  interfaces: ImportContext['interfaces'],
): string {
  const inside = parseIpv4(address)
  if (mask !== undefined) return formatSubnet(subnetOf(inside, prefixLengthOf(parseIpv4(mask))))
  const own = Object.values(interfaces)
    .map(parseInterface)
    .find((subnet) => subnetOf(inside, subnet.prefixLength).network === subnet.network)
  return formatSubnet(own ?? subnetOf(inside, inside < 0x80000000 ? 8 : inside < 0xc0000000 ? 16 : 24))
}

function parseInterface(text: string) {
  const [address = '', prefixLength = ''] = text.split('/')
  return subnetOf(parseIpv4(address), Number(prefixLength))
}
