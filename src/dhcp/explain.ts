import { formatIpv4 } from '../bytes/ipv4.ts'
import type { Explanation } from '../core/explanation.ts'
import type { DatagramSource, Destination } from './decision.ts'
import { withoutToken } from './dhcp-event.ts'
import { type DhcpInterface, decideOnInterface, type SiteContext } from './dhcp-site.ts'
import { formatMessage } from './format-message.ts'
import { identify } from './identify.ts'
import type { LeaseTable } from './lease-table.ts'
import { decodeMessage, encodeMessage, type Message } from './message.ts'

type Given = {
  interface: DhcpInterface
  context: Omit<SiteContext<LeaseTable>, 'now'>
}

/** Decides as the server would, and does nothing. A packet that is none is explained too. */
export function explainPacket(
  packet: Uint8Array,
  source: DatagramSource,
  { interface: link, context }: Given,
): Explanation {
  try {
    const message = decodeMessage(packet)
    const request = formatMessage(message)
    const who = identify(message, source, context.directory)
    if (!who) return { interface: link.name, request, answer: 'ignored: nothing in it says who sent it' }
    const { decision } = decideOnInterface(who, link, { ...context, now: Date.now() })
    if (decision.kind === 'ignore') return { interface: link.name, request, answer: `ignored: ${decision.reason}` }
    const probe = decision.probe === undefined ? '' : ', once it is known that nobody else has the address'
    return {
      interface: link.name,
      request,
      answer: `${decision.because}${probe}${link.isSilent ? '; not sent, as the interface is only listened to' : ''}`,
      reply: formatReply(decision.message, decision.maximumBytes),
      destination: formatDestination(decision.destination),
    }
  } catch (error) {
    return { interface: link.name, answer: `ignored: ${(error as Error).message}` }
  }
}

/** As it would be read from the wire. */
function formatReply(message: Message, maximumBytes: number): string {
  return withoutToken(formatMessage(decodeMessage(encodeMessage(message, maximumBytes))))
}

function formatDestination(destination: Destination): string {
  if (destination.kind === 'broadcast') return 'to everybody, port 68'
  return `to ${formatIpv4(destination.address)}, port ${destination.port}`
}
