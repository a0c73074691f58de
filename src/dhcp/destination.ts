import { parseIpv4 } from '../bytes/ipv4.ts'
import type { DatagramSource, Destination } from './decision.ts'
import { broadcastFlag, type Message } from './message.ts'
import { MessageType } from './message-type.ts'
import { Option } from './option.ts'
import { decodeU8 } from './options.ts'

const serverPort = 67
const clientPort = 68
const ethernet = 1

/** Where the reply to `request` goes (RFC 2131 §4.1). */
export function chooseDestination(request: Message, source: DatagramSource, reply: Message): Destination {
  const requestType = decodeU8(request.options, Option.messageType)
  const replyType = decodeU8(reply.options, Option.messageType)
  if (source.localPort === 4011) return { kind: 'unicast', address: parseIpv4(source.address), port: source.port }
  if (request.giaddr !== 0) return { kind: 'unicast', address: request.giaddr, port: serverPort }
  if (replyType === MessageType.nak) return { kind: 'broadcast' }
  if (request.ciaddr !== 0 && requestType !== MessageType.discover) {
    const port = requestType === MessageType.inform ? source.port : clientPort
    return { kind: 'unicast', address: request.ciaddr, port }
  }
  const isEthernet = request.htype === ethernet && request.chaddr.length === 6
  // A proxy's offer gives no address that the client could be reached at.
  if (request.flags & broadcastFlag || !isEthernet || reply.yiaddr === 0) return { kind: 'broadcast' }
  return { kind: 'unicast', address: reply.yiaddr, port: clientPort, hardwareAddress: request.chaddr }
}
