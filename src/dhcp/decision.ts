import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { Directory } from '../core/directory.ts'
import type { LoaderName } from '../core/loader.ts'
import type { BootRecord } from '../core/machine.ts'
import type { Classification } from './classify.ts'
import type { ClientRules } from './client-settings.ts'
import type { LeaseView } from './lease-table.ts'
import type { Message } from './message.ts'
import type { SubnetConfig } from './subnet-config.ts'

/** A decoded and classified message, with who sent it. */
export type Request = {
  message: Message
  classification: Classification
  /** Who the lease belongs to: the MAC for Ethernet, else `id:` and the client identifier in hexadecimal. */
  client: string
  /** Absent for hardware other than Ethernet. */
  mac?: Mac
  machine?: BootRecord
  source: DatagramSource
}

/** Where a datagram came from. */
export type DatagramSource = {
  address: string
  port: number
  /** It was sent to our own address, not to everybody. */
  isUnicast: boolean
  /** Our port it came in on: 4011 is the PXE boot server's. */
  localPort: 67 | 4011
}

/** Give addresses and boot files, or boot files alone beside another DHCP server. */
export type AnswerMode = 'authoritative' | 'proxy'

/** Everything a decision depends on beside the request; time and tokens come from outside, so that it is pure. */
export type DecideContext = {
  /** The subnet the client is on, with what its group, class and machine change. */
  config: SubnetConfig
  rules: ClientRules
  /** All addresses of this server, each of which a client may know it by. */
  ownAddresses: readonly Ipv4[]
  directory: Directory
  leases: LeaseView
  /** Milliseconds since the epoch. */
  now: number
  /** The URL of the machine's boot script in the loader's own form (iPXE's where none is given), with its boot token where `address` and MAC are known. */
  scriptUrl(request: Request, address: Ipv4, loader?: LoaderName): string
  /** Whether there is a loader of that name to fetch. */
  hasLoader(bootFile: string): boolean
}

/** Where a reply goes; it leaves from the port the request came in on. A unicast to a client without an address needs its hardware address for the ARP table. */
export type Destination =
  | { kind: 'broadcast' }
  | { kind: 'unicast'; address: Ipv4; port: number; hardwareAddress?: Uint8Array }

/** What a decision does to the leases. Only `bind` must be durable, and is, before the reply leaves. */
export type LeaseChange =
  | { kind: 'hold'; address: Ipv4; client: string; expiresAt: number }
  | { kind: 'bind'; address: Ipv4; client: string; grantedAt: number; expiresAt: number }
  | { kind: 'end'; client: string }
  | { kind: 'quarantine'; address: Ipv4; expiresAt: number }

export type Reply = {
  kind: 'reply'
  message: Message
  destination: Destination
  /** Largest UDP payload the client takes. */
  maximumBytes: number
  /** One sentence: what was answered and why. Holds no token. */
  because: string
  /** Path or URL that was offered, token included. */
  bootFile?: string
  change?: LeaseChange
  /** The address was not this client's before: ask by ARP whether somebody else has it, and decide again if so. */
  probe?: Ipv4
}

export type Decision = { kind: 'ignore'; reason: string; change?: LeaseChange } | Reply

export function ignore(reason: string, change?: LeaseChange): Decision {
  return { kind: 'ignore', reason, ...(change && { change }) }
}
