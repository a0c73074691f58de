import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { type Mac, macFromBytes } from '../bytes/mac.ts'
import { deleteNeighbour, getNeighbour } from '../linux/neighbour.ts'
import { type InterfaceSocket, openUdpSocket } from './udp-socket.ts'

/** RFC 863: whoever has the address drops the empty datagram, or answers that nothing listens. */
const discardPort = 9
const pollMs = 10

export type AddressProbe = { interface: string; address: string; timeoutMs: number; signal?: AbortSignal }

/**
 * Who answers for an address on the link, by ARP; undefined when nobody does in time. The kernel asks: an empty
 * datagram to the address makes it resolve the hardware address, which is then read from its table. Needs
 * CAP_NET_ADMIN (the old entry is deleted first). Throws LinuxError.
 */
export async function probeAddress(
  { socket, fd }: InterfaceSocket,
  { interface: name, address, timeoutMs, signal }: AddressProbe,
): Promise<Mac | undefined> {
  const neighbour = { interface: name, address }
  deleteNeighbour(fd, neighbour)
  socket.send(new Uint8Array(0), discardPort, address, () => {})
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    await delay(pollMs, undefined, signal ? { signal } : {})
    const found = getNeighbour(fd, neighbour)
    if (found) return macFromBytes(found)
  }
  return undefined
}

/**
 * Whether somebody answers for an address behind routers: an empty datagram to a port where nothing listens makes a
 * live host say so (ICMP port unreachable). A host that drops what it does not want looks like a free address.
 */
export async function probeRoutedAddress({ interface: name, address, timeoutMs }: AddressProbe): Promise<boolean> {
  const socket = await openUdpSocket({ interface: name, port: 0 })
  try {
    const refused = new Promise<boolean>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
    })
    socket.connect(discardPort, address)
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) })
    socket.send(new Uint8Array(0), () => {})
    return await Promise.race([refused, delay(timeoutMs, false)])
  } catch {
    // No route to it: nobody can be found there.
    return false
  } finally {
    socket.close()
  }
}
