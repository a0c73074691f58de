import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Destination } from './decision.ts'
import { broadcastFlag, type Message } from './message.ts'
import { MessageType } from './message-type.ts'

const serverPort = 67
const clientPort = 68
const ethernet = 1

/** Where the reply to `request` goes (RFC 2131 §4.1). `sourcePort` is where the request came from. */
export function chooseDestination(
  request: Message,
  reply: { type: number; yiaddr: Ipv4; requestType: number | undefined; sourcePort: number },
): Destination {
  if (request.giaddr !== 0) return { kind: 'unicast', address: request.giaddr, port: serverPort }
  if (reply.type === MessageType.nak) return { kind: 'broadcast' }
  if (request.ciaddr !== 0 && reply.requestType !== MessageType.discover) {
    const port = reply.requestType === MessageType.inform ? reply.sourcePort : clientPort
    return { kind: 'unicast', address: request.ciaddr, port }
  }
  const isEthernet = request.htype === ethernet && request.chaddr.length === 6
  if (request.flags & broadcastFlag || !isEthernet) return { kind: 'broadcast' }
  return { kind: 'unicast', address: reply.yiaddr, port: clientPort, hardwareAddress: request.chaddr }
}
