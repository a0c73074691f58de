import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { openUdpSocket } from './udp-socket.ts'

/** RFC 863: whoever has the address drops the empty datagram, or answers that nothing listens. */
const discardPort = 9

/**
 * Whether somebody answers for an address behind routers: an empty datagram to a port where nothing listens makes a
 * live host say so (ICMP port unreachable). A host that drops what it does not want looks like a free address.
 */
export async function probeRoutedAddress({
  interface: name,
  address,
  timeoutMs,
}: {
  interface: string
  address: string
  timeoutMs: number
}): Promise<boolean> {
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
