/** Where names that are not ours are asked for; `address` is dotted. */
export type Upstream = { address: string; port: number }

/** DNS for the names of the machines. Plain data: it crosses threads. */
export type NameService = {
  /** Lower case, without a final dot. */
  domain: string
  /** Asked in this order; none: only our own names are answered. */
  upstreams: Upstream[]
  /** Those it is answered on. */
  interfaces: string[]
}
