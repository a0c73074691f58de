import type { Ipv4 } from '../bytes/ipv4.ts'

/** Where names that are not ours are asked for; `address` is dotted. */
export type Upstream = { address: string; port: number }

/** An address that has a name by the site file, for what need not be a machine. */
export type NamedAddress = { name: string; address: Ipv4 }

/** DNS for the names of the machines. Plain data: it crosses threads. */
export type NameService = {
  /** Lower case, without a final dot. */
  domain: string
  /** Asked in this order; none: only our own names are answered. */
  upstreams: Upstream[]
  /** Those it is answered on. */
  interfaces: string[]
  addresses: NamedAddress[]
}
