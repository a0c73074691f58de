import { broadcastAddress, formatIpv4, formatSubnet, type Ipv4, type Subnet, subnetContains } from '../bytes/ipv4.ts'

/** Both ends belong to the range. */
export type AddressRange = { first: Ipv4; last: Ipv4 }

/** What the server answers with on one subnet, where it is the authoritative server. Plain data: it crosses threads. */
export type SubnetConfig = {
  subnet: Subnet
  /** Ours on this subnet: server identifier, next server, host of every URL. */
  serverAddress: Ipv4
  /** Where addresses for clients without a reservation come from. */
  pools: AddressRange[]
  /** Left out, clients get no default route. */
  router?: Ipv4
  nameServers: Ipv4[]
  domainName?: string
  leaseSeconds: number
  /** Port of the boot plane's HTTP listener. */
  httpPort: number
  /** A machine that is not known: `discover` answers it as if it had that intent, `ignore` leaves it to others. */
  unknown: 'discover' | 'ignore'
  /** How long to ask by ARP whether somebody else has an address before it is first offered; 0 does not ask. */
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
    nameServers: [],
    leaseSeconds: 3600,
    unknown: 'discover',
    probeMs: 500,
    ...given,
  }
  checkSubnetConfig(config)
  return config
}

function checkSubnetConfig(config: SubnetConfig): void {
  const { subnet, pools, router, serverAddress } = config
  const refuse = (reason: string): never => {
    throw new SubnetConfigInvalid(subnet, reason)
  }
  if (subnet.prefixLength > 30) refuse('a prefix longer than 30 leaves no address for a machine')
  if (!isHostAddress(subnet, serverAddress))
    refuse(`the server's own address ${formatIpv4(serverAddress)} is not in it`)
  if (router !== undefined && !isHostAddress(subnet, router)) refuse(`router ${formatIpv4(router)} is not in it`)
  if (config.leaseSeconds < 60) refuse(`a lease of ${config.leaseSeconds} s is shorter than a minute`)
  for (const { first, last } of pools) {
    const range = `${formatIpv4(first)}-${formatIpv4(last)}`
    if (first > last) refuse(`the pool ${range} ends before it begins`)
    if (!subnetContains(subnet, first) || !subnetContains(subnet, last)) refuse(`the pool ${range} leads out of it`)
  }
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
  const { subnet, pools, router, serverAddress } = config
  const lastByte = address & 255
  return (
    lastByte !== 0 &&
    lastByte !== 255 &&
    address !== serverAddress &&
    address !== router &&
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
