import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import { DatagramSender } from '../net/datagram-sender.ts'
import { limitedBroadcast, tryReachClient } from '../net/send-to-client.ts'
import type { InterfaceSocket } from '../net/udp-socket.ts'
import type { Reply } from './decision.ts'
import { encodeMessage } from './message.ts'

const clientPort = 68

/** Encodes replies and sends them, each from the port its request came in on. */
export class ReplySender {
  readonly #interface: string
  readonly #main: InterfaceSocket
  readonly #senders: { 67: DatagramSender; 4011?: DatagramSender }

  constructor(interfaceName: string, { main, bootServer }: { main: InterfaceSocket; bootServer?: InterfaceSocket }) {
    this.#interface = interfaceName
    this.#main = main
    this.#senders = { 67: new DatagramSender(main), ...(bootServer && { 4011: new DatagramSender(bootServer) }) }
  }

  /** `failed` is called with the socket's error, later. Throws MessageTooLarge or OptionTooLong. */
  send({ message, destination, maximumBytes }: Reply, localPort: 67 | 4011, failed: (error: unknown) => void): void {
    const sender = this.#senders[localPort] ?? this.#senders[67]
    const payload = encodeMessage(message, maximumBytes)
    if (destination.kind === 'broadcast') sender.send(payload, limitedBroadcast, clientPort, failed)
    else {
      const { address, port, hardwareAddress } = destination
      const isReached = !hardwareAddress || this.#reach(address, hardwareAddress)
      sender.send(payload, isReached ? address : limitedBroadcast, port, failed)
    }
  }

  #reach(address: Ipv4, hardwareAddress: Uint8Array): boolean {
    return tryReachClient(this.#main, { interface: this.#interface, address: formatIpv4(address), hardwareAddress })
  }
}
