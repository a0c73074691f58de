import { type Ipv4, ipv4ToBytes } from '../bytes/ipv4.ts'
import { bootFileOptions, bootServerOptions, netBootOptions } from './boot-options.ts'
import type { BootFileChoice } from './choose-boot-file.ts'
import type { DecideContext, Destination, Reply, Request } from './decision.ts'
import { chooseDestination } from './destination.ts'
import { fitOptions } from './fit-options.ts'
import { broadcastFlag, fileTextBytes, type Message, optionsRoomBytes } from './message.ts'
import { MessageType } from './message-type.ts'
import { leaseTimes, networkOptions } from './network-options.ts'
import { Option } from './option.ts'
import { decodeU8, decodeU16, encodeText, encodeU8, type Options } from './options.ts'
import { readRelayInformation } from './relay.ts'
import { reservationOf } from './reservations.ts'
import type { SubnetConfig } from './subnet-config.ts'

const none = 0 as Ipv4

export type Grant = {
  type: typeof MessageType.offer | typeof MessageType.ack
  /** 0 in the answer to an INFORM. */
  yiaddr: Ipv4
  /** Left out where no lease is given: INFORM. */
  leaseSeconds?: number
  boot: BootFileChoice
}

type Answer = Omit<Reply, 'because'>

/** An OFFER or ACK. `because` and lease change are the caller's. */
export function makeGrant(request: Request, context: DecideContext, grant: Grant): Answer {
  const { config } = context
  const options = startOptions(request, context, grant.type)
  if (grant.leaseSeconds !== undefined) putAll(options, leaseTimes(grant.leaseSeconds))
  putAll(options, networkOptions(config))
  putHostName(options, request, config)
  putAll(options, bootFileOptions(request, config, grant.boot))
  putAll(options, netBootOptions(request, context))
  putEchoes(options, request)
  const answer = finish(request, options, {
    ...bootFields(grant.boot, context),
    ciaddr: grant.type === MessageType.ack ? request.message.ciaddr : none,
    yiaddr: grant.yiaddr,
  })
  return { ...answer, ...offered(grant.boot) }
}

function putHostName(options: Options, request: Request, config: SubnetConfig): void {
  const name = request.machine?.name ?? reservationOf(request, config.reservations)?.name
  if (name !== undefined && !options.has(Option.hostName)) options.set(Option.hostName, encodeText(name))
}

/** proxyDHCP's OFFER, or the PXE boot server's ACK: a boot file and no address. */
export function makeBootOffer(request: Request, context: DecideContext, type: number, boot: BootFileChoice): Answer {
  const { config } = context
  const options = startOptions(request, context, type)
  putAll(options, bootFileOptions(request, config, boot))
  putAll(options, bootServerOptions(request, config))
  putEchoes(options, request)
  const isAck = type === MessageType.ack
  const fields = { ...bootFields(boot, context), ciaddr: isAck ? request.message.ciaddr : none }
  return { ...finish(request, options, fields), ...offered(boot) }
}

/** What a Mac is told about its images; `bootFile` and `rootPath` of the one it chose. */
export type NetBootAnswer = { vendorSpecific: Uint8Array; bootFile?: string; rootPath?: string; because: string }

/** BSDP's ACK: it repeats the class without the model, gives no address, and goes where the Mac says it listens. */
export function makeNetBootAck(request: Request, context: DecideContext, answer: NetBootAnswer, port: number): Reply {
  const { vendorSpecific, bootFile = '', rootPath, because } = answer
  const { ciaddr } = request.message
  const options = startOptions(request, context, MessageType.ack)
  options.set(Option.vendorClass, encodeText('AAPLBSDPC'))
  if (rootPath !== undefined) options.set(Option.rootPath, encodeText(rootPath))
  options.set(Option.vendorSpecific, vendorSpecific)
  const server = bootFile === '' ? {} : bootFields({ bootFile, shown: bootFile, because }, context)
  const reply = finish(request, options, { ...server, ciaddr })
  return { ...reply, destination: { kind: 'unicast', address: ciaddr, port }, because, ...(bootFile && { bootFile }) }
}

/** BOOTP (RFC 951, RFC 1497): 64 bytes of options without a type, and no times. */
export function makeBootpReply(request: Request, context: DecideContext, yiaddr: Ipv4): Answer {
  const { config } = context
  const options: Options = new Map(networkOptions(config))
  putHostName(options, request, config)
  putEchoes(options, request)
  const { bootFile = '' } = config
  const boot = { bootFile, shown: bootFile, because: 'it is configured' }
  return finish(request, options, { ...bootFields(boot, context), ciaddr: request.message.ciaddr, yiaddr })
}

/** A NAK: no addresses, no file, and the reason in option 56 (RFC 2131 §4.3.1, table 3). */
export function makeNak(request: Request, context: DecideContext, reason: string): Reply {
  const options = startOptions(request, context, MessageType.nak)
  options.set(Option.message, encodeText(reason.slice(0, 255)))
  putEchoes(options, request)
  options.delete(Option.clientMachineIdentifier)
  const answer = finish(request, options, {})
  // A relay must broadcast it: the client has no address that is good here (RFC 2131 §4.3.2).
  if (answer.message.giaddr !== 0) answer.message.flags |= broadcastFlag
  return { ...answer, because: `refused: ${reason}` }
}

function startOptions({ message }: Request, { config }: DecideContext, type: number): Options {
  const server = readRelayInformation(message).serverOverride ?? config.serverAddress
  return new Map([
    [Option.messageType, encodeU8(type)],
    [Option.serverIdentifier, ipv4ToBytes(server)],
  ])
}

function putAll(options: Options, entries: Iterable<readonly [code: number, value: Uint8Array]>): void {
  for (const [code, value] of entries) options.set(code, value)
}

const alwaysEchoed = [Option.clientIdentifier, Option.clientMachineIdentifier, Option.subnetSelection] as const
const echoedToRelays = [...alwaysEchoed, Option.relayAgentInformation] as const

/**
 * 61 by RFC 6842, 97 by RFC 4578 (GRUB knows its client UUID only so), 118 by RFC 3011, 82 by RFC 3046 in relayed
 * replies, where it comes last.
 */
function putEchoes(options: Options, { message }: Request): void {
  for (const code of message.giaddr === 0 ? alwaysEchoed : echoedToRelays) {
    const value = message.options.get(code)
    if (value) options.set(code, value)
  }
}

type ReplyFields = Partial<Pick<Message, 'ciaddr' | 'yiaddr' | 'siaddr' | 'file'>>

/** Some clients read the boot file and its server only here, others only in 66 and 67. */
function bootFields({ bootFile = '' }: BootFileChoice, { config }: DecideContext): ReplyFields {
  return {
    siaddr: config.nextServer ?? config.serverAddress,
    file: Buffer.byteLength(bootFile) <= fileTextBytes ? bootFile : '',
  }
}

function offered({ bootFile }: BootFileChoice): Pick<Reply, 'bootFile'> {
  return bootFile === undefined ? {} : { bootFile }
}

function finish(request: Request, options: Options, fields: ReplyFields): Answer {
  const { message, source } = request
  const { htype, xid, flags, giaddr, chaddr } = message
  const maximumBytes = maximumPayloadBytes(message.options)
  fitOptions(options, optionsRoomBytes(maximumBytes), message.options.get(Option.parameterRequestList))
  const answer: Message = {
    ...{ op: 2, htype, hops: 0, xid, secs: 0, flags, ciaddr: none, yiaddr: none, siaddr: none, giaddr, chaddr },
    ...{ sname: '', file: '', options },
    ...fields,
  }
  const destination: Destination = chooseDestination(message, source, answer)
  return { kind: 'reply', message: answer, destination, maximumBytes }
}

const headersBytes = 28
/** EDK2 ignores larger packets, and a link's MTU rarely allows more. */
const ethernetPayloadBytes = 1500 - headersBytes
/** RFC 951: 236 bytes of fields and 64 of options. */
const bootpBytes = 300

/**
 * Option 57 counts IP and UDP headers; absent, the client takes 576. OVMF's REQUEST says 0xFF00, its bytes swapped,
 * which the clamp makes harmless.
 */
function maximumPayloadBytes(options: Options): number {
  if (decodeU8(options, Option.messageType) === undefined) return bootpBytes
  const value = decodeU16(options, Option.maximumMessageSize) ?? 0
  return Math.min(Math.max(value, 576) - headersBytes, ethernetPayloadBytes)
}
