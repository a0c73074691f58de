import { formatIpv4, type Ipv4, subnetContains } from '../bytes/ipv4.ts'
import type { Request } from './decision.ts'
import { Option } from './option.ts'
import { decodeIpv4 } from './options.ts'
import { readRelayInformation } from './relay.ts'
import { isOnLink, type SubnetConfig } from './subnet-config.ts'

export type SubnetChoice = { kind: 'subnet'; config: SubnetConfig } | { kind: 'none'; reason: string }

/**
 * The subnet a client is on: a relay's link selection (82/5, RFC 3527), else the client's own (118, RFC 3011), else
 * `giaddr`, else the interface's. A request that was sent to us alone comes from `ciaddr`, through any number of
 * routers. Throws DecodeError for a malformed option 118.
 */
export function chooseSubnet({ message, source }: Request, subnets: readonly SubnetConfig[]): SubnetChoice {
  const { giaddr, ciaddr, options } = message
  const linkSelection = readRelayInformation(message).linkSelection
  if (linkSelection !== undefined) return find(subnets, linkSelection, 'the link its relay selects')
  const selected = decodeIpv4(options, Option.subnetSelection)
  if (selected !== undefined) return find(subnets, selected, 'the subnet it selects')
  if (giaddr !== 0) return find(subnets, giaddr, 'its relay')
  const routed = source.isUnicast && ciaddr !== 0 ? findContaining(subnets, ciaddr) : undefined
  const config = routed ?? subnets.find(isOnLink)
  return config ? { kind: 'subnet', config } : { kind: 'none', reason: 'the interface has no subnet that is served' }
}

function find(subnets: readonly SubnetConfig[], address: Ipv4, what: string): SubnetChoice {
  const config = findContaining(subnets, address)
  if (config) return { kind: 'subnet', config }
  return { kind: 'none', reason: `${what}, ${formatIpv4(address)}, is on no subnet served here` }
}

function findContaining(subnets: readonly SubnetConfig[], address: Ipv4): SubnetConfig | undefined {
  return subnets.find(({ subnet }) => subnetContains(subnet, address))
}
