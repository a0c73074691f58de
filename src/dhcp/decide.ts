import { formatIpv4 } from '../bytes/ipv4.ts'
import { chooseAddress } from './choose-address.ts'
import { chooseBootFile } from './choose-boot-file.ts'
import { resolveSettings } from './client-settings.ts'
import { decideBootp } from './decide-bootp.ts'
import { decideNetBoot } from './decide-net-boot.ts'
import { decideProxy } from './decide-proxy.ts'
import { decideRequest, isToUs } from './decide-request.ts'
import {
  type AnswerMode,
  type DecideContext,
  type Decision,
  ignore,
  type LeaseChange,
  type Request,
} from './decision.ts'
import { formatMessageType, MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeIpv4, decodeU8 } from './options.ts'
import { makeGrant } from './reply.ts'
import { reservationOf } from './reservations.ts'
import { isHostAddress } from './subnet-config.ts'

/** An offer is kept for its client so long, in memory. */
export const offerMs = 60_000
/** An address that somebody else answers for is left alone so long. */
export const quarantineMs = 600_000

type Decide = (request: Request, context: DecideContext) => Decision

const deciders: ReadonlyMap<number | undefined, Decide> = new Map<number, Decide>([
  [MessageType.discover, decideDiscover],
  [MessageType.request, decideRequest],
  [MessageType.decline, decideDecline],
  [MessageType.release, decideRelease],
  [MessageType.inform, decideInform],
])

/**
 * What the authoritative server of one subnet answers (RFC 2131 §4.3). Pure. Throws DecodeError for an option whose
 * value is malformed.
 */
function decideAuthoritatively(request: Request, context: DecideContext): Decision {
  const type = decodeU8(request.message.options, Option.messageType)
  if (type === undefined) return decideBootp(request, context)
  const decider = deciders.get(type)
  return decider ? decider(request, context) : ignore(`${formatMessageType(type)} is not answered here`)
}

/** The ways to answer. */
const ways: Record<AnswerMode, Decide> = { authoritative: decideAuthoritatively, proxy: decideProxy }

/**
 * What is answered and why. The same for a packet that came and for one that somebody asks about. Pure. Throws
 * DecodeError for an option whose value is malformed.
 */
export function decide(request: Request, context: DecideContext, mode: AnswerMode = 'authoritative'): Decision {
  const { message, machine } = request
  if (message.op !== 1) return ignore('a reply of another server')
  const config = resolveSettings(request, context)
  if (config.refusedBy) return ignore(`nothing is answered to its kind here (${config.refusedBy})`)
  const isUnknown = !machine || machine.isNewcomer === true
  if (isUnknown && config.unknown === 'ignore' && !reservationOf(request, config.reservations)) {
    return ignore('the machine is not known, and unknown machines are ignored here')
  }
  const inConfig = { ...context, config }
  return decideNetBoot(request, inConfig) ?? ways[mode](request, inConfig)
}

function decideDiscover(request: Request, context: DecideContext): Decision {
  const { config, leases, now } = context
  const choice = chooseAddress(request, context, decodeIpv4(request.message.options, Option.requestedAddress))
  if (!choice) return ignore('no address is free in the pools')
  const { address, how, isNew } = choice
  const boot = chooseBootFile(request, context, address)
  const { leaseSeconds } = config
  const reply = makeGrant(request, context, { type: MessageType.offer, yiaddr: address, leaseSeconds, boot })
  const isBound = !isNew && leases.byClient(request.client)?.state === 'bound'
  const hold: LeaseChange = { kind: 'hold', address, client: request.client, expiresAt: now + offerMs }
  return {
    ...reply,
    because:
      boot.bootFile === undefined
        ? `offered ${formatIpv4(address)} (${how}); no boot file because ${boot.because}`
        : `offered ${formatIpv4(address)} (${how}) and ${boot.shown} because ${boot.because}`,
    ...(isNew && { probe: address }),
    ...(!isBound && { change: hold }),
  }
}

/** The client found somebody else on the address (RFC 2131 §4.3.3). */
function decideDecline(request: Request, context: DecideContext): Decision {
  const { leases, now } = context
  const address = decodeIpv4(request.message.options, Option.requestedAddress)
  if (!isToUs(request, context)) return ignore('a DECLINE to another server')
  if (address === undefined || leases.holderOf(address, now)?.client !== request.client) {
    return ignore('a DECLINE of an address that is not its own')
  }
  return ignore(`${formatIpv4(address)} is quarantined for ${quarantineMs / 1000} s: the machine found it in use`, {
    kind: 'quarantine',
    address,
    expiresAt: now + quarantineMs,
  })
}

function decideRelease(request: Request, context: DecideContext): Decision {
  const { client, message } = request
  if (!isToUs(request, context)) return ignore('a RELEASE to another server')
  if (context.leases.holderOf(message.ciaddr, context.now)?.client !== client) {
    return ignore('a RELEASE of an address that is not its own')
  }
  return ignore(`it gave ${formatIpv4(message.ciaddr)} back`, { kind: 'end', client })
}

/** Its address is its own affair; it gets the rest (RFC 2131 §4.3.5). */
function decideInform(request: Request, context: DecideContext): Decision {
  const { ciaddr } = request.message
  if (!isHostAddress(context.config.subnet, ciaddr)) {
    return ignore(`an INFORM from ${formatIpv4(ciaddr)}, which is no machine's address here`)
  }
  const boot = chooseBootFile(request, context, ciaddr)
  const reply = makeGrant(request, context, { type: MessageType.ack, yiaddr: 0 as typeof ciaddr, boot })
  return { ...reply, because: `told ${formatIpv4(ciaddr)} about its network, as it asked` }
}
