import { DecodeError } from '../bytes/decode-error.ts'
import { formatIpv4, subnetContains } from '../bytes/ipv4.ts'
import type { Directory } from '../core/directory.ts'
import type { Explanation } from '../core/explanation.ts'
import { RouterAdvertiser } from '../net/router-advertisement.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import { Answerer } from './answerer.ts'
import type { ClientRules } from './client-settings.ts'
import type { DatagramSource } from './decision.ts'
import type { DhcpEvent } from './dhcp-event.ts'
import type { DhcpInterface, DhcpSite } from './dhcp-site.ts'
import { EventLimiter } from './event-limiter.ts'
import { explainPacket } from './explain.ts'
import { identify } from './identify.ts'
import { InUseProbes } from './in-use-probes.ts'
import { LeaseTable } from './lease-table.ts'
import { decodeMessage } from './message.ts'
import { OtherServers } from './other-servers.ts'
import { ReplySender } from './reply-sender.ts'
import { type BootTokenSource, scriptUrls } from './script-url.ts'
import { openServerSockets } from './server-sockets.ts'

export type DhcpServerOptions = {
  interface: DhcpInterface
  rules: ClientRules
  ownAddresses: DhcpSite['ownAddresses']
  directory: Directory
  leases: LeaseStore
  bootTokens: BootTokenSource
  /** Whether there is a loader of that name to fetch. */
  hasLoader: (bootFile: string) => boolean
  onDecision: (event: DhcpEvent) => void
  /** Called once, when packets are being answered, with what tells how one would be. */
  onReady?: (explain: (packet: Uint8Array, source: DatagramSource) => Explanation) => void
  /** Ends the server, which then resolves. */
  signal: AbortSignal
}

/**
 * Answers DHCP on one interface until the signal. Rejects with LinuxError (port taken, no such interface, not allowed),
 * DhcpSocketFailed, or LeaseWriteFailed when the lease store dies; a packet never ends it.
 */
export async function serveDhcp(options: DhcpServerOptions): Promise<void> {
  const { interface: link, directory, leases, onDecision, signal } = options
  if (signal.aborted) return
  const context = makeContext(options)
  const events = new EventLimiter(onDecision)
  const others = new OtherServers(link, events.tell)
  await using sockets = await openServerSockets(link, signal)
  using routers = new RouterAdvertiser(link.name)
  const answerer = new Answerer({
    ...{ interface: link, context, leases, events, signal },
    probes: new InUseProbes(link.name),
    sender: new ReplySender(link.name, sockets),
    routers,
  })
  sockets.listen((packet, source) => {
    try {
      const message = decodeMessage(packet)
      others.look(message, source)
      // Our own broadcasts come back, too.
      if (message.op === 2) return
      const request = identify(message, source, directory)
      if (!request) throw new DecodeError('DHCP message', 'neither Ethernet nor a client identifier says who sent it')
      answerer.answer(request)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (events.mayTell(false)) events.tell({ kind: 'malformed', reason, source: source.address })
    }
  })
  options.onReady?.((packet, source) => explainPacket(packet, source, { ...options, context }))
  await Promise.race([untilAborted(signal), sockets.failed, leases.ended])
}

/** Each subnet has a table of its own: one card may hold an address on each of several VLANs. */
function makeContext(options: DhcpServerOptions) {
  const { interface: link, rules, ownAddresses, directory, leases, bootTokens, hasLoader } = options
  const stored = leases.load()
  const tables = new Map(
    link.subnets.map((config) => {
      const own = stored.filter(({ address }) => subnetContains(config.subnet, address))
      return [config, new LeaseTable(config, own)]
    }),
  )
  const [{ httpPort = 0 } = {}] = link.subnets
  const scriptUrl = scriptUrls(`http://${formatIpv4(link.serverAddress)}:${httpPort}`, bootTokens)
  return {
    ...{ rules, ownAddresses, directory, hasLoader, scriptUrl },
    leasesOf: (config: LeaseTable['config']) => tables.get(config)!,
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
