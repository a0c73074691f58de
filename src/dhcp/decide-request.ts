import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import { refuseAddress, reservedAddress } from './choose-address.ts'
import { chooseBootFile } from './choose-boot-file.ts'
import { type DecideContext, type Decision, ignore, type Request } from './decision.ts'
import { MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeIpv4 } from './options.ts'
import { readRelayInformation } from './relay.ts'
import { makeGrant, makeNak } from './reply.ts'

/** DHCPREQUEST in its four states, told apart by 54, 50 and ciaddr (RFC 2131 §4.3.2). */
export function decideRequest(request: Request, context: DecideContext): Decision {
  const { ciaddr, options } = request.message
  const server = decodeIpv4(options, Option.serverIdentifier)
  const requested = decodeIpv4(options, Option.requestedAddress)
  if (server !== undefined) return decideSelecting(request, context, server, requested)
  if (ciaddr !== 0) return decideRenewing(request, context, ciaddr)
  if (requested !== undefined) return decideInitReboot(request, context, requested)
  return ignore('a REQUEST with neither server identifier nor address')
}

function decideSelecting(
  request: Request,
  context: DecideContext,
  server: Ipv4,
  requested: Ipv4 | undefined,
): Decision {
  if (!isToUs(request, context)) {
    const isOffered = context.leases.byClient(request.client)?.state === 'offered'
    return ignore(
      `it chose the server ${formatIpv4(server)}`,
      isOffered ? { kind: 'end', client: request.client } : undefined,
    )
  }
  const address = requested ?? request.message.ciaddr
  if (address === 0) return ignore('a REQUEST to us that names no address')
  // An offer that a restart forgot is honoured as long as nobody else has the address.
  const refusal = refuseAddress(request, context, address)
  return refusal ? makeNak(request, context, refusal) : grant(request, context, address, 'as offered')
}

/** Only what we know it holds: after a move to another network its old address must not live on. */
function decideInitReboot(request: Request, context: DecideContext, address: Ipv4): Decision {
  const refusal = refuseAddress(request, context, address)
  if (refusal) return makeNak(request, context, refusal)
  const isKnown =
    context.leases.byClient(request.client)?.address === address || reservedAddress(request, context) === address
  if (!isKnown) return makeNak(request, context, `no lease of ${formatIpv4(address)} to it is known here`)
  return grant(request, context, address, 'its lease, after a restart')
}

/**
 * RENEWING and REBINDING. A client whose lease is not in the table keeps its address when nobody else has it: a lost
 * database must not take running machines off the network.
 */
function decideRenewing(request: Request, context: DecideContext, address: Ipv4): Decision {
  const refusal = refuseAddress(request, context, address)
  return refusal ? makeNak(request, context, refusal) : grant(request, context, address, 'renewed')
}

function grant(request: Request, context: DecideContext, address: Ipv4, how: string): Decision {
  const { leaseSeconds } = context.config
  const { client } = request
  const boot = chooseBootFile(request, context, address)
  const reply = makeGrant(request, context, { type: MessageType.ack, yiaddr: address, leaseSeconds, boot })
  const { now } = context
  return {
    ...reply,
    because:
      boot.bootFile === undefined
        ? `granted ${formatIpv4(address)} (${how}); no boot file because ${boot.because}`
        : `granted ${formatIpv4(address)} (${how}) and ${boot.shown} because ${boot.because}`,
    change: { kind: 'bind', address, client, grantedAt: now, expiresAt: now + leaseSeconds * 1000 },
  }
}

/** Names this server in option 54, by any of its addresses or by the one its relay stands for (RFC 5107). */
export function isToUs({ message }: Request, { config, ownAddresses }: DecideContext): boolean {
  const server = decodeIpv4(message.options, Option.serverIdentifier)
  if (server === undefined) return false
  return (
    server === config.serverAddress ||
    ownAddresses.includes(server) ||
    server === readRelayInformation(message).serverOverride
  )
}
