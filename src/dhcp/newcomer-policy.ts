import { macBeginning } from '../core/group-claim.ts'
import type { UnknownPolicy } from '../core/newcomer.ts'
import type { ClientRules, ClientSettings } from './client-settings.ts'
import type { GroupEntry } from './site-file.ts'

/** The packet servers answer who is approved at once as they answer who is looked into. */
export function packetPolicy(unknown: UnknownPolicy | undefined): Pick<ClientSettings, 'unknown'> {
  return unknown === undefined ? {} : { unknown: unknown === 'ignore' ? 'ignore' : 'discover' }
}

/** What groups say of their machines that nobody has approved, beside what they say of all. */
export function withPolicies(
  layers: ReadonlyMap<string, ClientSettings>,
  groups: Record<string, GroupEntry>,
): Map<string, ClientSettings> {
  return new Map([...layers].map(([name, layer]) => [name, { ...layer, ...packetPolicy(groups[name]?.unknown) }]))
}

/** Before its agent has reported, a machine is its MAC address alone. */
export function claimsByMac(groups: Record<string, GroupEntry>): NonNullable<ClientRules['claims']> {
  return Object.entries(groups).flatMap(([group, { claims = [] }]) =>
    claims.flatMap(({ mac, ...others }) =>
      mac !== undefined && Object.keys(others).length === 0 ? [{ group, mac: macBeginning(mac) }] : [],
    ),
  )
}
