import { setTimeout as delay } from 'node:timers/promises'
import { type Mac, macFromBytes } from '../bytes/mac.ts'
import { deleteNeighbour, getNeighbour } from '../linux/neighbour.ts'
import type { InterfaceSocket } from './udp-socket.ts'

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
