import { type Ipv4, ipv4FromBytes } from '../bytes/ipv4.ts'
import type { Message } from './message.ts'
import { Option } from './option.ts'

/** Sub-options of option 82 that say something to a server (RFC 3046 §2.0). */
const RelaySubOption = {
  /** RFC 3527: the client's subnet, where giaddr cannot say it. */
  linkSelection: 5,
  /** RFC 5107: the server identifier to use, so that the client's renewals go through the relay too. */
  serverOverride: 11,
} as const

export type RelayInformation = { linkSelection?: Ipv4; serverOverride?: Ipv4 }

const none: RelayInformation = {}

/**
 * What a relay added to the message; nothing for a message that no relay passed on (its option 82 is a client's
 * invention). Tolerant: sub-options that lead out of the option or have the wrong size are left out, as the rest of it
 * is none of our business and goes back as it came.
 */
export function readRelayInformation({ giaddr, options }: Message): RelayInformation {
  const field = giaddr === 0 ? undefined : options.get(Option.relayAgentInformation)
  if (!field) return none
  const found: RelayInformation = {}
  for (let at = 0; at + 2 <= field.length; at += 2 + field[at + 1]!) {
    if (field[at + 1] !== 4 || at + 6 > field.length) continue
    if (field[at] === RelaySubOption.linkSelection) found.linkSelection = ipv4FromBytes(field, at + 2)
    if (field[at] === RelaySubOption.serverOverride) found.serverOverride = ipv4FromBytes(field, at + 2)
  }
  return found
}
