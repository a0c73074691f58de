import type { Ipv4 } from '../bytes/ipv4.ts'

/** A timed address grant, as it is stored. A client holds at most one. */
export type Lease = {
  address: Ipv4
  /** Who holds it: a MAC for Ethernet, `id:` and the hexadecimal client identifier for other hardware. */
  client: string
  /** Milliseconds since the epoch. */
  grantedAt: number
  expiresAt: number
}
