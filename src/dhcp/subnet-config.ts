import { broadcastAddress, formatIpv4, formatSubnet, type Ipv4, type Subnet, subnetContains } from '../bytes/ipv4.ts'
import type { ClientSettings } from './client-settings.ts'
import type { Reservations } from './reservations.ts'

/** Both ends belong to the range. */
export type AddressRange = { first: Ipv4; last: Ipv4 }

/** What the server answers with on one subnet. Plain data: it crosses threads. */
export type SubnetConfig = ClientSettings & {
  subnet: Subnet
  /** Ours towards this subnet (outside it where a relay stands between): server identifier, host of every URL. */
  serverAddress: Ipv4
  /** Where addresses for clients without a reservation come from. */
  pools: AddressRange[]
  /** Addresses of certain clients, in the pools or not. */
  reservations?: Reservations
  leaseSeconds: number
  /** Port of the boot plane's HTTP listener. */
  httpPort: number
  /** A machine that is not known: `discover` answers it as if it had that intent, `ignore` leaves it to others. */
  unknown: 'discover' | 'ignore'
  /** BOOTP clients: none, those with a reservation, or anyone, from the pools and for ever. */
  bootp: 'ignore' | 'reserved' | 'dynamic'
  /** How long to ask whether somebody else has an address before it is first offered; 0 does not ask. */
  probeMs: number
}

export class SubnetConfigInvalid extends Error {
  override readonly name = 'SubnetConfigInvalid'

  constructor(subnet: Subnet, reason: string) {
    super(`Cannot serve subnet ${formatSubnet(subnet)}: ${reason}`)
  }
}

type Given = Pick<SubnetConfig, 'subnet' | 'serverAddress' | 'httpPort'> & Partial<SubnetConfig>

/** Fills in defaults (pool: the upper half of the subnet; an hour's lease) and checks. Throws SubnetConfigInvalid. */
export function makeSubnetConfig(given: Given): SubnetConfig {
  const config: SubnetConfig = {
    pools: [upperHalf(given.subnet)],
    leaseSeconds: 3600,
    unknown: 'discover',
    bootp: 'reserved',
    probeMs: 500,
    ...given,
  }
  checkSubnetConfig(config)
  return config
}

function checkSubnetConfig(config: SubnetConfig): void {
  const { subnet, pools, routers = [], leaseSeconds } = config
  const refuse = (reason: string): never => {
    throw new SubnetConfigInvalid(subnet, reason)
  }
  if (subnet.prefixLength > 30) refuse('a prefix longer than 30 leaves no address for a machine')
  for (const router of routers) {
    if (!isHostAddress(subnet, router)) refuse(`router ${formatIpv4(router)} is not in it`)
  }
  if (leaseSeconds < 60) refuse(`a lease of ${leaseSeconds} s is shorter than a minute`)
  for (const { first, last } of pools) {
    const range = `${formatIpv4(first)}-${formatIpv4(last)}`
    if (first > last) refuse(`the pool ${range} ends before it begins`)
    if (!subnetContains(subnet, first) || !subnetContains(subnet, last)) refuse(`the pool ${range} leads out of it`)
  }
}

/** The server's interface is on the subnet itself, with no relay between. */
export function isOnLink({ subnet, serverAddress }: SubnetConfig): boolean {
  return isHostAddress(subnet, serverAddress)
}

/** Not the network's own address, not its broadcast address. */
export function isHostAddress(subnet: Subnet, address: Ipv4): boolean {
  return subnetContains(subnet, address) && address !== subnet.network && address !== broadcastAddress(subnet)
}

/**
 * Whether the pools hand the address out: in a pool, no host's own, and not ending in .0 or .255 (some firmware takes
 * those for broadcasts in any subnet).
 */
export function isPoolAddress(config: SubnetConfig, address: Ipv4): boolean {
  const { subnet, pools, routers, serverAddress } = config
  const lastByte = address & 255
  return (
    lastByte !== 0 &&
    lastByte !== 255 &&
    address !== serverAddress &&
    !routers?.includes(address) &&
    isHostAddress(subnet, address) &&
    pools.some(({ first, last }) => address >= first && address <= last)
  )
}

function upperHalf(subnet: Subnet): AddressRange {
  const sizeAddresses = 2 ** (32 - subnet.prefixLength)
  return {
    first: (subnet.network + sizeAddresses / 2) as Ipv4,
    last: (subnet.network + sizeAddresses - 2) as Ipv4,
  }
}
