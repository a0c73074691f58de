import type { Mac } from '../bytes/mac.ts'
import type { HandOver } from './hand-over.ts'
import type { Intent, StandingIntent } from './intent.ts'
import type { Labels } from './labels.ts'
import type { MachineConflict } from './machine-identity.ts'

export const machineNamePattern = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'

/** Of machines that are in none. */
export const noGroup = 'default'

/** A physical or virtual computer, known by its MAC addresses and SMBIOS UUID (claims, not proofs). */
export type Machine = {
  id: string
  /** A host name label: RFC 1123, lower case. */
  name: string
  macs: Mac[]
  /** SMBIOS UUID, lower case, in RFC 4122 text form. */
  uuid?: string
  group: string
  /** Absent for none. */
  labels?: Labels
  /** Address reserved for it, dotted. */
  address?: string
  approved: boolean
  /** A person said that another computer has the same SMBIOS UUID. */
  sharesUuid: boolean
  /** While there are any, nothing is written to the machine; absent for none. */
  conflicts?: MachineConflict[]
  intent: Intent
  /** What it boots while nothing is ordered. */
  standing: StandingIntent
  /** How its deployments leave it, where that was chosen for this machine. */
  handOver?: HandOver
  /** When a packet of its was last seen: milliseconds since the epoch. */
  lastSeenAt?: number
}

/** What the packet servers must know of a machine to answer it. */
export type BootRecord = Pick<Machine, 'id' | 'name' | 'macs' | 'group' | 'address' | 'intent'> & {
  /** Nobody has approved it: where unknown machines are ignored, this one is. */
  isNewcomer?: boolean
}
