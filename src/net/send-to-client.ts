import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import { setNeighbour } from '../linux/neighbour.ts'
import type { InterfaceSocket } from './udp-socket.ts'

/** RFC 919: the limited broadcast. Clients without an address take nothing else, the subnet's own included. */
export const limitedBroadcast = '255.255.255.255'

/** A datagram for a client that was given `address` but cannot yet answer ARP for it. */
export type ClientDatagram = { interface: string; address: Ipv4; port: number; hardwareAddress: Uint8Array }

/**
 * Sends to the client alone, through an ARP entry made for it; by broadcast where the kernel refuses the entry (no
 * CAP_NET_ADMIN). Says which it was. Throws the socket's error when the datagram cannot be sent.
 */
export async function sendToClient(
  { socket, fd }: InterfaceSocket,
  payload: Uint8Array,
  client: ClientDatagram,
): Promise<'unicast' | 'broadcast'> {
  const address = formatIpv4(client.address)
  const isKnown = tryNeighbour(fd, { interface: client.interface, address }, client.hardwareAddress)
  await send({ socket, fd }, payload, client.port, isKnown ? address : limitedBroadcast)
  return isKnown ? 'unicast' : 'broadcast'
}

/** Resolves when the kernel took the datagram; rejects with the socket's error. */
export function send({ socket }: InterfaceSocket, payload: Uint8Array, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(payload, port, address, (error) => (error ? reject(error) : resolve()))
  })
}

function tryNeighbour(fd: number, neighbour: { interface: string; address: string }, hardware: Uint8Array): boolean {
  try {
    setNeighbour(fd, neighbour, hardware)
    return true
  } catch {
    return false
  }
}
