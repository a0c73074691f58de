import { randomBytes } from 'node:crypto'
import { bootNonceBytes, mintBootToken } from '../boot/boot-token.ts'
import type { Ipv4 } from '../bytes/ipv4.ts'
import { formatMacHyphen } from '../bytes/mac.ts'
import { agentArchitectureOf } from '../core/agent-architecture.ts'
import type { DecideContext } from './decision.ts'

/** The server's secret for boot tokens (32 bytes) and how long each is good. */
export type BootTokenSource = { key: Uint8Array; lifetimeSeconds: number }

/**
 * Makes the URLs under which a loader fetches its script from the boot plane at `origin` (`http://10.0.0.1:4280`); each
 * carries a fresh boot token. Not pure: clock and chance.
 */
export function scriptUrls(origin: string, { key, lifetimeSeconds }: BootTokenSource): DecideContext['scriptUrl'] {
  return ({ mac, machine, classification }, address: Ipv4, loader = 'ipxe') => {
    const base = `${origin}/boot.${loader}`
    if (mac === undefined) return base
    const token = mintBootToken(key, {
      nonce: randomBytes(bootNonceBytes),
      expiresAtSeconds: Math.floor(Date.now() / 1000) + lifetimeSeconds,
      address,
      mac,
      intentRevision: machine?.intent.revision ?? 0,
    })
    const architecture = classification.kind === 'firmware' && agentArchitectureOf(classification.firmware.architecture)
    const arch = architecture && architecture !== 'x64' ? `&arch=${architecture}` : ''
    return `${base}?mac=${formatMacHyphen(mac)}${arch}&token=${token}`
  }
}
