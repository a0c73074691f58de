import { networkInterfaces } from 'node:os'
import { type Ipv4, parseIpv4, type Subnet, subnetOf } from '../bytes/ipv4.ts'
import { type Mac, parseMac } from '../bytes/mac.ts'

export type InterfaceAddress = { interface: string; mac: Mac; address: Ipv4; subnet: Subnet }

/** The IPv4 addresses of the interfaces that are up, in the kernel's order, loopback left out. */
export function listInterfaceAddresses(): InterfaceAddress[] {
  const found: InterfaceAddress[] = []
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    for (const entry of entries ?? []) {
      if (entry.internal || entry.family !== 'IPv4') continue
      const address = parseIpv4(entry.address)
      const prefixLength = Number(entry.cidr?.split('/')[1] ?? 32)
      found.push({ interface: name, mac: parseMac(entry.mac), address, subnet: subnetOf(address, prefixLength) })
    }
  }
  return found
}

/** An interface that cannot be served. */
export class InterfaceNotUsable extends Error {
  override readonly name = 'InterfaceNotUsable'
  readonly interface: string

  constructor(name: string, reason: string) {
    super(`Cannot serve on ${name}: ${reason}`)
    this.interface = name
  }
}

/** The first IPv4 address of the interface. Throws InterfaceNotUsable. */
export function interfaceAddress(name: string): InterfaceAddress {
  const all = listInterfaceAddresses()
  const found = all.find((entry) => entry.interface === name)
  if (found) return found
  const others = all.map((entry) => entry.interface).join(', ') || 'none'
  throw new InterfaceNotUsable(name, `it has no IPv4 address or is not up (interfaces with one: ${others})`)
}
