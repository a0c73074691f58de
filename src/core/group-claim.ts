import { type Static, Type } from 'typebox'
import type { Mac } from '../bytes/mac.ts'
import { glob } from './glob.ts'
import type { Inventory } from './inventory.ts'

const Pattern = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))

/** By what a machine is a group's before anybody has approved it: all that is given must fit. `*` stands for any letters. */
export const GroupClaim = Type.Object(
  {
    /** The beginning of its MAC address: the vendor's three bytes, or more. */
    mac: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){2,5}$' })),
    serial: Pattern,
    manufacturer: Pattern,
    product: Pattern,
  },
  { additionalProperties: false, minProperties: 1 },
)
export type GroupClaim = Static<typeof GroupClaim>

/** What is known of a machine that nobody has approved; `smbios` once its agent has reported. */
export type Stranger = { macs: readonly Mac[]; smbios?: Inventory['smbios'] }

/** The first group, in the order of the site file, one of whose claims fits. */
export function claimingGroup(
  groups: readonly (readonly [name: string, claims: readonly GroupClaim[]])[],
  stranger: Stranger,
): string | undefined {
  return groups.find(([, claims]) => claims.some((claim) => fits(claim, stranger)))?.[0]
}

/** As MAC addresses begin that are written with colons and small letters. */
export function macBeginning(text: string): string {
  return text.toLowerCase().replaceAll('-', ':')
}

function fits({ mac, ...texts }: GroupClaim, { macs, smbios = {} }: Stranger): boolean {
  if (mac !== undefined && !macs.some((own) => own.startsWith(macBeginning(mac)))) return false
  return (['serial', 'manufacturer', 'product'] as const).every((name) => fitsText(texts[name], smbios[name]))
}

/** Whatever the case, and without spaces at the ends: firmware pads. */
function fitsText(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true
  return text !== undefined && glob(pattern.toLowerCase())(text.trim().toLowerCase())
}
