import { broadcastAddress, formatIpv4, type Ipv4, ipv4ToBytes, netmask } from '../bytes/ipv4.ts'
import type { BootFileChoice } from './choose-boot-file.ts'
import type { DecideContext, Reply, Request } from './decision.ts'
import { chooseDestination } from './destination.ts'
import { broadcastFlag, fileTextBytes, type Message } from './message.ts'
import { MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeU8, decodeU16, encodeIpv4List, encodeText, encodeU8, encodeU32, type Options } from './options.ts'

export type Grant = {
  type: typeof MessageType.offer | typeof MessageType.ack
  /** 0 in the answer to an INFORM. */
  yiaddr: Ipv4
  /** Left out where no lease is given: INFORM. */
  leaseSeconds?: number
  boot: BootFileChoice
}

/** An OFFER or ACK. `because` and lease change are the caller's. */
export function makeGrant(request: Request, context: DecideContext, grant: Grant): Omit<Reply, 'because'> {
  const options = startOptions(context, grant.type)
  if (grant.leaseSeconds !== undefined) putTimes(options, grant.leaseSeconds)
  putNetwork(options, request, context)
  putBootFile(options, request, context, grant.boot)
  putEchoes(options, request)
  const { bootFile = '' } = grant.boot
  const message = answer(request.message, options, {
    ciaddr: grant.type === MessageType.ack ? request.message.ciaddr : (0 as Ipv4),
    yiaddr: grant.yiaddr,
    siaddr: context.config.serverAddress,
    file: Buffer.byteLength(bootFile) <= fileTextBytes ? bootFile : '',
  })
  return { ...address(request, message, grant.type), ...(bootFile !== '' && { bootFile }) }
}

/** A NAK: no addresses, no file, and the reason in option 56 (RFC 2131 §4.3.1, table 3). */
export function makeNak(request: Request, context: DecideContext, reason: string): Reply {
  const options = startOptions(context, MessageType.nak)
  options.set(Option.message, encodeText(reason.slice(0, 255)))
  putEchoes(options, request)
  options.delete(Option.clientMachineIdentifier)
  const message = answer(request.message, options, {})
  // A relay must broadcast it: the client has no address that is good here (RFC 2131 §4.3.2).
  if (message.giaddr !== 0) message.flags |= broadcastFlag
  return { ...address(request, message, MessageType.nak), because: `refused: ${reason}` }
}

function startOptions({ config }: DecideContext, type: number): Options {
  return new Map([
    [Option.messageType, encodeU8(type)],
    [Option.serverIdentifier, ipv4ToBytes(config.serverAddress)],
  ])
}

function putTimes(options: Options, leaseSeconds: number): void {
  options.set(Option.leaseSeconds, encodeU32(leaseSeconds))
  options.set(Option.renewalSeconds, encodeU32(Math.floor(leaseSeconds / 2)))
  options.set(Option.rebindingSeconds, encodeU32(Math.floor((leaseSeconds * 7) / 8)))
}

function putNetwork(options: Options, { machine }: Request, { config }: DecideContext): void {
  options.set(Option.subnetMask, ipv4ToBytes(netmask(config.subnet)))
  if (config.router !== undefined) options.set(Option.router, ipv4ToBytes(config.router))
  if (config.nameServers.length > 0) options.set(Option.nameServer, encodeIpv4List(config.nameServers))
  options.set(Option.broadcastAddress, ipv4ToBytes(broadcastAddress(config.subnet)))
  if (config.domainName !== undefined) options.set(Option.domainName, encodeText(config.domainName))
  if (machine) options.set(Option.hostName, encodeText(machine.name))
}

/** iPXE's own option: sub-option 0xb0 = 1, "do not wait for a proxyDHCP server" (saves 2 s a boot). */
const noProxyDhcp = Uint8Array.of(0xb0, 1, 1)

function putBootFile(options: Options, request: Request, { config }: DecideContext, boot: BootFileChoice): void {
  if (boot.bootFile === undefined || request.classification.kind !== 'firmware') return
  // One NUL behind both texts: EDK2 writes one past the end of option 67.
  options.set(Option.tftpServerName, encodeText(`${formatIpv4(config.serverAddress)}\0`))
  options.set(Option.bootFileName, encodeText(`${boot.bootFile}\0`))
  const { kind } = request.classification.firmware
  if (kind === 'ipxe') options.set(Option.etherboot, noProxyDhcp)
  // UEFI HTTP boot takes only an offer that repeats its class (UEFI specification, "HTTP Boot").
  if (kind === 'uefi-http') options.set(Option.vendorClass, encodeText('HTTPClient'))
}

/** 61 by RFC 6842, 97 by RFC 4578 (GRUB knows its client UUID only so), 82 by RFC 3046 in relayed replies. */
function putEchoes(options: Options, { message }: Request): void {
  const echoed: number[] = [Option.clientIdentifier, Option.clientMachineIdentifier]
  if (message.giaddr !== 0) echoed.push(Option.relayAgentInformation)
  for (const code of echoed) {
    const value = message.options.get(code)
    if (value) options.set(code, value)
  }
}

type ReplyFields = Partial<Pick<Message, 'ciaddr' | 'yiaddr' | 'siaddr' | 'file'>>

function answer(request: Message, options: Options, fields: ReplyFields): Message {
  const none = 0 as Ipv4
  const { htype, xid, flags, giaddr, chaddr } = request
  return {
    ...{ op: 2, htype, hops: 0, xid, secs: 0, flags, ciaddr: none, yiaddr: none, siaddr: none, giaddr, chaddr },
    ...{ sname: '', file: '', options },
    ...fields,
  }
}

function address(
  request: Request,
  message: Message,
  type: number,
): Pick<Reply, 'kind' | 'message' | 'destination' | 'maximumBytes'> {
  const destination = chooseDestination(request.message, {
    type,
    yiaddr: message.yiaddr,
    requestType: decodeU8(request.message.options, Option.messageType),
    sourcePort: request.source.port,
  })
  return { kind: 'reply', message, destination, maximumBytes: maximumPayloadBytes(request.message.options) }
}

const headersBytes = 28
/** EDK2 ignores larger packets, and a link's MTU rarely allows more. */
const ethernetPayloadBytes = 1500 - headersBytes

/**
 * Option 57 counts IP and UDP headers; absent, the client takes 576. OVMF's REQUEST says 0xFF00, its bytes swapped,
 * which the clamp makes harmless.
 */
function maximumPayloadBytes(options: Options): number {
  const value = decodeU16(options, Option.maximumMessageSize) ?? 0
  return Math.min(Math.max(value, 576) - headersBytes, ethernetPayloadBytes)
}
