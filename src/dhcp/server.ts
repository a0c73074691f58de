import { DecodeError } from '../bytes/decode-error.ts'
import type { Directory } from '../core/directory.ts'
import { type InterfaceSocket, openInterfaceSocket } from '../net/udp-socket.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import { Answerer } from './answerer.ts'
import type { DhcpEvent } from './dhcp-event.ts'
import { identify } from './identify.ts'
import { LeaseTable } from './lease-table.ts'
import { decodeMessage } from './message.ts'
import { type BootTokenSource, scriptUrls } from './script-url.ts'
import { isHostAddress, type SubnetConfig } from './subnet-config.ts'

const serverPort = 67
/** A rack that is switched on sends a burst: room for some thousands of packets. */
const receiveBufferBytes = 4 << 20

export type DhcpServerOptions = {
  interface: string
  config: SubnetConfig
  directory: Directory
  leases: LeaseStore
  bootTokens: BootTokenSource
  onDecision: (event: DhcpEvent) => void
  /** Called once, when packets are being answered. */
  onReady?: () => void
  /** Ends the server, which then resolves. */
  signal: AbortSignal
}

/** The socket is gone; the server cannot go on. */
export class DhcpSocketFailed extends Error {
  override readonly name = 'DhcpSocketFailed'

  constructor(interfaceName: string, cause: Error) {
    super(`Cannot serve DHCP on ${interfaceName} any longer: ${cause.message}`, { cause })
  }
}

/**
 * Answers DHCP on one interface, as the authoritative server of one subnet, until the signal. Rejects with LinuxError
 * (port taken, no such interface, not allowed), DhcpSocketFailed, or LeaseWriteFailed when the lease store dies; a
 * packet never ends it.
 */
export async function serveDhcp(options: DhcpServerOptions): Promise<void> {
  const { config, signal } = options
  if (signal.aborted) return
  const stored = await options.leases.load()
  const leases = new LeaseTable(
    config,
    stored.filter(({ address }) => isHostAddress(config.subnet, address)),
  )
  const socket = await openInterfaceSocket({ interface: options.interface, port: serverPort, receiveBufferBytes })
  try {
    const answerer = new Answerer({
      ...options,
      socket,
      table: leases,
      scriptUrl: scriptUrls(config, options.bootTokens),
    })
    socket.socket.on('message', (packet, source) => receive(packet, source, options, answerer))
    options.onReady?.()
    await Promise.race([untilAborted(signal), socketFault(socket, options.interface), options.leases.ended])
  } finally {
    socket.socket.removeAllListeners('message')
    socket.socket.close()
  }
}

/** decode → classify; the answerer decides and sends. */
function receive(
  packet: Uint8Array,
  source: { address: string; port: number },
  { directory, onDecision }: DhcpServerOptions,
  answerer: Answerer,
): void {
  try {
    const request = identify(decodeMessage(packet), source, directory)
    if (!request) throw new DecodeError('DHCP message', 'neither Ethernet nor a client identifier says who sent it')
    answerer.answer(request)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    onDecision({ kind: 'malformed', reason, source: source.address })
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function socketFault({ socket }: InterfaceSocket, interfaceName: string): Promise<never> {
  return new Promise((_, reject) => {
    socket.on('error', (error) => reject(new DhcpSocketFailed(interfaceName, error)))
  })
}
