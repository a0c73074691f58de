import { formatHex } from '../../bytes/hex.ts'

/** IANA's address family numbers, as LLDP has them. */
const families = { ipv4: 1, ipv6: 2 } as const

/** For people; undefined for another family, or a length that does not fit. */
export function formatNetworkAddress(family: number, address: Uint8Array): string | undefined {
  if (family === families.ipv4 && address.length === 4) return address.join('.')
  if (family === families.ipv6 && address.length === 16) return formatIpv6(address)
  return undefined
}

/** RFC 5952 §4, which is how URLs write their hosts. */
function formatIpv6(address: Uint8Array): string {
  const groups = formatHex(address).match(/.{4}/g)!.join(':')
  return new URL(`http://[${groups}]`).hostname.slice(1, -1)
}
