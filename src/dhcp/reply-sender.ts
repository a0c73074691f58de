import { formatIpv4 } from '../bytes/ipv4.ts'
import { limitedBroadcast, send, sendToClient } from '../net/send-to-client.ts'
import type { InterfaceSocket } from '../net/udp-socket.ts'
import type { Reply } from './decision.ts'
import { encodeMessage } from './message.ts'

const clientPort = 68

/** Encodes replies and sends them, each from the port its request came in on. */
export class ReplySender {
  readonly #interface: string
  readonly #sockets: { 67: InterfaceSocket; 4011?: InterfaceSocket }

  constructor(interfaceName: string, sockets: { 67: InterfaceSocket; 4011?: InterfaceSocket }) {
    this.#interface = interfaceName
    this.#sockets = sockets
  }

  /** Rejects with MessageTooLarge, OptionTooLong or the socket's error. */
  async send({ message, destination, maximumBytes }: Reply, localPort: 67 | 4011): Promise<void> {
    const socket = this.#sockets[localPort] ?? this.#sockets[67]
    const payload = encodeMessage(message, maximumBytes)
    if (destination.kind === 'broadcast') return send(socket, payload, clientPort, limitedBroadcast)
    const { address, port, hardwareAddress } = destination
    if (!hardwareAddress) return send(socket, payload, port, formatIpv4(address))
    await sendToClient(socket, payload, { interface: this.#interface, address, port, hardwareAddress })
  }
}
