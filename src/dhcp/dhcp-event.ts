import { formatIpv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { Firmware } from '../core/firmware.ts'
import type { Decision, Request } from './decision.ts'
import { formatMessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeU8 } from './options.ts'

/** One packet's fate, for the timeline and the counters. Plain data, no tokens, nothing the machine wrote. */
export type DhcpEvent =
  | (DhcpSubject & {
      kind: 'reply'
      /** Nothing was sent: the interface is only listened to. */
      isSilent?: boolean
      /** `OFFER`, `ACK`, `NAK`, or `BOOTP` for a BOOTP reply. */
      replyType: string
      because: string
      /** Dotted; absent for a NAK. */
      address?: string
      bootFile?: string
      firmware?: Firmware
    })
  | (DhcpSubject & { kind: 'ignore'; reason: string })
  /** It should have been answered and was not: the lease could not be written, or the reply not sent. */
  | (DhcpSubject & { kind: 'failed'; reason: string })
  | { kind: 'malformed'; reason: string; source: string }
  /** Another DHCP server answers where this one is authoritative. */
  | { kind: 'other-server'; interface: string; server: string; how: string }
  /** So many packets were answered as they should be and are not told one by one. */
  | { kind: 'untold'; count: number }

export type DhcpSubject = {
  /** Absent for hardware other than Ethernet. */
  mac?: Mac
  client: string
  machineId?: string
  /** `DISCOVER`, `REQUEST`, … */
  messageType: string
  xid: number
}

export function describeDecision(request: Request, decision: Decision, { isSilent = false } = {}): DhcpEvent {
  const subject = describeSubject(request)
  if (decision.kind === 'ignore') return { ...subject, kind: 'ignore', reason: decision.reason }
  const { message, bootFile, because } = decision
  const { classification } = request
  return {
    ...subject,
    kind: 'reply',
    ...(isSilent && { isSilent }),
    replyType: formatMessageType(decodeU8(message.options, Option.messageType)),
    because,
    ...(message.yiaddr !== 0 && { address: formatIpv4(message.yiaddr) }),
    ...(bootFile !== undefined && { bootFile: withoutToken(bootFile) }),
    ...(classification.kind === 'firmware' && { firmware: classification.firmware }),
  }
}

export function describeFailure(request: Request, error: unknown): DhcpEvent {
  return { ...describeSubject(request), kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
}

/** A boot file as people may see it. */
export function withoutToken(bootFile: string): string {
  return bootFile.replace(/[?&]token=[^&]*/, '')
}

function describeSubject({ message, client, mac, machine }: Request): DhcpSubject {
  return {
    ...(mac !== undefined && { mac }),
    client,
    ...(machine && { machineId: machine.id }),
    messageType: formatMessageType(message.options.get(Option.messageType)?.[0]),
    xid: message.xid,
  }
}
