import { DecodeError } from './decode-error.ts'

declare const ipv4Brand: unique symbol
/** An IPv4 address as an unsigned 32-bit number in host order, so that ranges and masks are arithmetic. */
export type Ipv4 = number & { readonly [ipv4Brand]: true }

const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

/** Throws DecodeError. */
export function parseIpv4(text: string): Ipv4 {
  const match = dotted.exec(text)
  const bytes = match?.slice(1).map(Number) ?? []
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255)) {
    throw new DecodeError('IPv4 address', `"${text}" is not four numbers from 0 to 255 with dots`)
  }
  return ipv4FromBytes(Uint8Array.from(bytes))
}

/** Reads four bytes in network order. */
export function ipv4FromBytes(bytes: Uint8Array, offset = 0): Ipv4 {
  if (bytes.length < offset + 4) throw new DecodeError('IPv4 address', `${bytes.length - offset} of 4 bytes`, offset)
  return (((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0) as Ipv4
}

/** Four bytes in network order. */
export function ipv4ToBytes(address: Ipv4): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address)
}

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

export type Subnet = { readonly network: Ipv4; readonly prefixLength: number }

/** `10.0.0.0/24`; bits behind the prefix are cleared. Throws DecodeError. */
export function parseSubnet(text: string): Subnet {
  const [address = '', length = ''] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d{1,2}$/.test(length) || prefixLength > 32) {
    throw new DecodeError('subnet', `"${text}" is not an address and a prefix length, such as 10.0.0.0/24`)
  }
  return subnetOf(parseIpv4(address), prefixLength)
}

export function subnetOf(address: Ipv4, prefixLength: number): Subnet {
  return { network: ((address & netmaskBits(prefixLength)) >>> 0) as Ipv4, prefixLength }
}

export function netmask(subnet: Subnet): Ipv4 {
  return netmaskBits(subnet.prefixLength)
}

/** The length of the prefix whose mask that is. Throws DecodeError. */
export function prefixLengthOf(mask: Ipv4): number {
  const prefixLength = 32 - Math.log2(2 ** 32 - mask)
  if (!Number.isInteger(prefixLength)) throw new DecodeError('netmask', `${formatIpv4(mask)} is none`)
  return prefixLength
}

export function broadcastAddress(subnet: Subnet): Ipv4 {
  return ((subnet.network | ~netmaskBits(subnet.prefixLength)) >>> 0) as Ipv4
}

export function subnetContains(subnet: Subnet, address: Ipv4): boolean {
  return (address & netmaskBits(subnet.prefixLength)) >>> 0 === subnet.network
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatIpv4(subnet.network)}/${subnet.prefixLength}`
}

function netmaskBits(prefixLength: number): Ipv4 {
  return (prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0) as Ipv4
}
