import type { Ipv4 } from '../bytes/ipv4.ts'

/** A timed address grant, as it is stored. Of several of one client in one subnet the last granted holds. */
export type Lease = {
  address: Ipv4
  /** Who holds it: a MAC for Ethernet, `id:` and the hexadecimal client identifier for other hardware. */
  client: string
  /** Milliseconds since the epoch. */
  grantedAt: number
  expiresAt: number
}
