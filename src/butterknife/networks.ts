import { BlockList, isIP } from 'node:net'
import { DecodeError } from '../bytes/decode-error.ts'

/**
 * A network as it is kept: `10.0.0.0/24`, `2001:db8::/32`; an address alone is a network of one. Throws DecodeError.
 */
export function parseNetwork(text: string): string {
  const [address = '', length, ...more] = text.split('/')
  const family = isIP(address)
  const longest = family === 6 ? 128 : 32
  const prefixLength = length === undefined ? longest : Number(length)
  const isLength = length === undefined || /^\d{1,3}$/.test(length)
  if (family === 0 || more.length > 0 || !isLength || prefixLength > longest) {
    throw new DecodeError('network', `"${text}" is not an address and a prefix length, such as 10.0.0.0/24`)
  }
  return `${address}/${prefixLength}`
}

/** `networks` as parseNetwork() gives them. An IPv4 address is in none of IPv6, though BlockList takes it for `::ffff:`. */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  if (isIP(address) === 0) return false
  const family = familyOf(address)
  const list = new BlockList()
  for (const network of networks) {
    const [base, length] = network.split('/') as [string, string]
    if (familyOf(base) === family) list.addSubnet(base, Number(length), family)
  }
  return list.check(address, family)
}

/**
 * Who asks: the address of the connection, or, where that is a trusted proxy's, the last one of X-Forwarded-For that is
 * not. What a client writes into that header by itself stands before it and is never believed.
 */
export function clientAddress(
  connectionAddress: string,
  forwardedFor: string | undefined,
  trustedProxies: readonly string[],
): string {
  let address = plainAddress(connectionAddress)
  const claimed = forwardedFor?.split(',').map((text) => plainAddress(text.trim())) ?? []
  while (isInNetworks(address, trustedProxies)) {
    const before = claimed.pop()
    if (before === undefined || isIP(before) === 0) break
    address = before
  }
  return address
}

/** A socket that takes both families shows IPv4 addresses as `::ffff:10.0.0.1`. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
