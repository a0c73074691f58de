import { formatIpv4 } from '../bytes/ipv4.ts'
import { chooseAddress, reservedAddress } from './choose-address.ts'
import { type DecideContext, type Decision, ignore, type Request } from './decision.ts'
import { makeBootpReply } from './reply.ts'

/** BOOTP knows no end of a lease: the last millisecond a date can have. */
const never = 8_640_000_000_000_000

/**
 * A message without option 53 (RFC 951, RFC 1534 §2): the client keeps its address for ever, so it gets a reserved one,
 * or one of the pools where that is allowed.
 */
export function decideBootp(request: Request, context: DecideContext): Decision {
  const { config, leases, now } = context
  if (config.bootp === 'ignore') return ignore('BOOTP clients are not answered here')
  const reserved = reservedAddress(request, context)
  if (config.bootp === 'reserved' && reserved === undefined) {
    return ignore('a BOOTP client without a reservation, and BOOTP clients get no address of the pools here')
  }
  const choice = chooseAddress(request, context, undefined)
  if (!choice) return ignore('no address is free in the pools')
  const { address, how, isNew } = choice
  if (config.bootp === 'reserved' && address !== reserved) {
    return ignore(`${formatIpv4(reserved!)} reserved for it is in use, and a BOOTP client gets no other here`)
  }
  const { client } = request
  const holding = isNew ? undefined : leases.byClient(client)
  const isKept = holding?.state === 'bound' && holding.expiresAt === never
  return {
    ...makeBootpReply(request, context, address),
    because: `gave ${formatIpv4(address)} (${how}) to a BOOTP client, for ever`,
    ...(!isKept && { change: { kind: 'bind', address, client, grantedAt: now, expiresAt: never } }),
    ...(isNew && { probe: address }),
  }
}
