import { formatIpv4 } from '../bytes/ipv4.ts'
import { readDatagrams } from '../net/datagram-reader.ts'
import { type InterfaceSocket, openAddressSocket, openInterfaceSocket } from '../net/udp-socket.ts'
import type { DatagramSource } from './decision.ts'
import type { DhcpInterface } from './dhcp-site.ts'

const serverPort = 67
const clientPort = 68
const bootServerPort = 4011
/** A rack that is switched on sends a burst: room for some thousands of packets. */
const receiveBufferBytes = 4 << 20

/** The socket is gone; the server cannot go on. */
export class DhcpSocketFailed extends Error {
  override readonly name = 'DhcpSocketFailed'

  constructor(interfaceName: string, cause: Error) {
    super(`Cannot serve DHCP on ${interfaceName} any longer: ${cause.message}`, { cause })
  }
}

export type ServerSockets = AsyncDisposable & {
  /** Hears broadcasts on port 67, and sends. */
  main: InterfaceSocket
  /** Port 4011, where proxyDHCP is spoken. */
  bootServer?: InterfaceSocket
  listen(onPacket: (packet: Uint8Array, source: DatagramSource) => void): void
  /** Rejects with DhcpSocketFailed when one of them dies. */
  failed: Promise<never>
}

type Heard = { socket: InterfaceSocket; isUnicast: boolean; localPort: 67 | 4011 }

/**
 * The sockets of one interface. What is sent to our own address comes in on a socket of its own, so that it is known
 * from what is sent to everybody: only the former can come from behind a router. Rejects with LinuxError.
 */
export async function openServerSockets(link: DhcpInterface, signal: AbortSignal): Promise<ServerSockets> {
  const { name, answers, isSilent, hasOwnClient = false, serverAddress } = link
  const own = { interface: name, address: formatIpv4(serverAddress), receiveBufferBytes }
  const opened: Heard[] = []
  const close = () => {
    for (const { socket } of opened) socket.socket.removeAllListeners('message').close()
  }
  try {
    const main = await openInterfaceSocket({ ...own, address: '0.0.0.0', port: serverPort })
    opened.push({ socket: main, isUnicast: false, localPort: serverPort })
    const unicast = await openAddressSocket(main, { ...own, port: serverPort })
    opened.push({ socket: unicast, isUnicast: true, localPort: serverPort })
    const isProxy = answers === 'proxy' && !isSilent
    const bootServer = isProxy ? await openInterfaceSocket({ ...own, port: bootServerPort }) : undefined
    if (bootServer) opened.push({ socket: bootServer, isUnicast: true, localPort: bootServerPort })
    if (answers === 'authoritative' && !isSilent && !hasOwnClient) await openClientSocket(name, opened)
    return {
      ...{ main, ...(bootServer && { bootServer }) },
      listen: (onPacket) => {
        for (const heard of opened) hear(heard, onPacket)
      },
      failed: firstFailure(opened, name, signal),
      [Symbol.asyncDispose]: async () => close(),
    }
  } catch (error) {
    close()
    throw error
  }
}

/**
 * Broadcast answers of other servers are heard on the clients' port, where it is free and no DHCP client of this machine
 * would miss them.
 */
async function openClientSocket(name: string, opened: Heard[]): Promise<void> {
  try {
    const socket = await openInterfaceSocket({ interface: name, port: clientPort, reuseAddress: true })
    opened.push({ socket, isUnicast: false, localPort: 67 })
  } catch {
    // Other servers are still known by the requests their clients send to everybody.
  }
}

function hear({ socket, isUnicast, localPort }: Heard, onPacket: Parameters<ServerSockets['listen']>[0]): void {
  readDatagrams(socket, (packet, { address, port }) => onPacket(packet, { address, port, isUnicast, localPort }))
}

function firstFailure(opened: readonly Heard[], name: string, signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    for (const { socket } of opened) {
      socket.socket.on('error', (error) => {
        if (!signal.aborted) reject(new DhcpSocketFailed(name, error))
      })
    }
  })
}
