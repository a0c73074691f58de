import { broadcastAddress, type Ipv4, ipv4ToBytes, netmask, type Subnet } from '../bytes/ipv4.ts'
import { Option } from './option.ts'
import { encodeIpv4List, encodeText, encodeU32 } from './options.ts'
import type { SubnetConfig } from './subnet-config.ts'

type Entries = readonly [code: number, value: Uint8Array][]

const encoded = new WeakMap<SubnetConfig, Entries>()

/** What everybody on a subnet is told, encoded once; in the order of RFC 2132, the mask before the routers. */
export function networkOptions(config: SubnetConfig): Entries {
  const known = encoded.get(config)
  if (known) return known
  const entries = encode(config)
  encoded.set(config, entries)
  return entries
}

function encode(config: SubnetConfig): Entries {
  const { subnet, routers = [], nameServers = [], ntpServers = [], domainName, routes = [], options = [] } = config
  const all = new Map<number, Uint8Array>([[Option.subnetMask, ipv4ToBytes(netmask(subnet))]])
  if (routers.length > 0) all.set(Option.router, encodeIpv4List(routers))
  if (nameServers.length > 0) all.set(Option.nameServer, encodeIpv4List(nameServers))
  all.set(Option.broadcastAddress, ipv4ToBytes(broadcastAddress(subnet)))
  if (domainName !== undefined) all.set(Option.domainName, encodeText(domainName))
  if (ntpServers.length > 0) all.set(Option.ntpServer, encodeIpv4List(ntpServers))
  if (routes.length > 0) all.set(Option.classlessRoutes, encodeRoutes(withDefaultRoute(routes, routers)))
  for (const [code, value] of options) all.set(code, value)
  return [...all]
}

export type Route = { to: Subnet; via: Ipv4 }

/** Who reads option 121 ignores option 3 (RFC 3442), so the default route stands in both. */
function withDefaultRoute(routes: readonly Route[], routers: readonly Ipv4[]): readonly Route[] {
  const [via] = routers
  if (via === undefined || routes.some(({ to }) => to.prefixLength === 0)) return routes
  return [...routes, { to: { network: 0 as Ipv4, prefixLength: 0 }, via }]
}

/** Width of the destination, its significant bytes, the router (RFC 3442). */
export function encodeRoutes(routes: readonly Route[]): Uint8Array {
  return Uint8Array.from(
    routes.flatMap(({ to, via }) => {
      const significant = ipv4ToBytes(to.network).subarray(0, Math.ceil(to.prefixLength / 8))
      return [to.prefixLength, ...significant, ...ipv4ToBytes(via)]
    }),
  )
}

/** 51, and the times of 58 (a half) and 59 (seven eighths) that RFC 2131 §4.4.5 would have the client take. */
export function leaseTimes(leaseSeconds: number): [code: number, value: Uint8Array][] {
  return [
    [Option.leaseSeconds, encodeU32(leaseSeconds)],
    [Option.renewalSeconds, encodeU32(Math.floor(leaseSeconds / 2))],
    [Option.rebindingSeconds, encodeU32(Math.floor((leaseSeconds * 7) / 8))],
  ]
}
