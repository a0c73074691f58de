import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { closeFd, openUdpSocketFd, setReuseAddress, type UdpSocketOptions } from '../linux/socket.ts'

export type { Socket as UdpSocket } from 'node:dgram'

/** One UDP socket of one interface, and its descriptor for the few calls that need it (closed with the socket). */
export type InterfaceSocket = { socket: Socket; fd: number }

/**
 * Opens a UDP socket that hears and speaks on one interface only, broadcasts included; Node's own cannot (it has no
 * SO_BINDTODEVICE and does not say where a datagram came in). Ready to use when it resolves; the caller closes it.
 * Throws LinuxError (EADDRINUSE, EPERM, ENODEV).
 */
export async function openInterfaceSocket(options: UdpSocketOptions): Promise<InterfaceSocket> {
  const fd = openUdpSocketFd({ broadcast: true, ...options })
  const socket = createSocket({ type: 'udp4' })
  try {
    // Adopting a descriptor emits the event before bind() returns; binding an address would do it later.
    const listening = once(socket, 'listening')
    socket.bind({ fd })
    await listening
  } catch (error) {
    closeFd(fd)
    throw error
  }
  return { socket, fd }
}

/**
 * A socket beside `wildcard`, which is bound to 0.0.0.0 on the same port: what is sent to `address` comes in here from
 * now on, the rest there. No other program can share the port, before or after. Throws LinuxError.
 */
export async function openAddressSocket(
  wildcard: InterfaceSocket,
  options: UdpSocketOptions & { address: string },
): Promise<InterfaceSocket> {
  setReuseAddress(wildcard.fd, true)
  try {
    const socket = await openInterfaceSocket({ ...options, reuseAddress: true })
    setReuseAddress(socket.fd, false)
    return socket
  } finally {
    setReuseAddress(wildcard.fd, false)
  }
}

/** `openInterfaceSocket` for those who need no descriptor. */
export async function openUdpSocket(options: UdpSocketOptions): Promise<Socket> {
  return (await openInterfaceSocket(options)).socket
}
