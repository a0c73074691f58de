import type { Ipv4 } from '../bytes/ipv4.ts'
import { setNeighbour } from '../linux/neighbour.ts'
import type { InterfaceSocket } from './udp-socket.ts'

/** RFC 919: the limited broadcast. Clients without an address take nothing else, the subnet's own included. */
export const limitedBroadcast = 0xffffffff as Ipv4

/** An address that a client was given and cannot yet answer ARP for. */
export type ClientAddress = { interface: string; address: string; hardwareAddress: Uint8Array }

/**
 * Makes an ARP entry, so that the next datagram to the address reaches the client alone. False where the kernel refuses
 * (no CAP_NET_ADMIN): the client is then reached by broadcast.
 */
export function tryReachClient({ fd }: InterfaceSocket, client: ClientAddress): boolean {
  try {
    setNeighbour(fd, { interface: client.interface, address: client.address }, client.hardwareAddress)
    return true
  } catch {
    return false
  }
}

/** Resolves when the kernel took the datagram; rejects with the socket's error. */
export function send({ socket }: InterfaceSocket, payload: Uint8Array, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, address, (error) => (error ? reject(error) : resolve()))
  })
}
