import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Directory } from '../core/directory.ts'
import { limitedBroadcast, send, sendToClient } from '../net/send-to-client.ts'
import type { InterfaceSocket } from '../net/udp-socket.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import { decide, offerMs, quarantineMs } from './decide.ts'
import type { DecideContext, Decision, LeaseChange, Reply, Request } from './decision.ts'
import { type DhcpEvent, describeDecision, describeFailure } from './dhcp-event.ts'
import { InUseProbes } from './in-use-probes.ts'
import type { LeaseTable } from './lease-table.ts'
import { encodeMessage } from './message.ts'
import type { SubnetConfig } from './subnet-config.ts'

const clientPort = 68

export type AnswererOptions = {
  interface: string
  config: SubnetConfig
  directory: Directory
  leases: LeaseStore
  table: LeaseTable
  socket: InterfaceSocket
  scriptUrl: DecideContext['scriptUrl']
  onDecision: (event: DhcpEvent) => void
  signal: AbortSignal
}

/** decide → (probe) → (write the lease) → send, for any number of clients at once. */
export class Answerer {
  readonly #options: AnswererOptions
  readonly #probes: InUseProbes
  /** Clients whose address is being probed, with the last DISCOVER each has sent. */
  readonly #probing = new Map<string, Request>()

  constructor(options: AnswererOptions) {
    this.#options = options
    this.#probes = new InUseProbes(options.socket, options.interface, options.config.probeMs)
  }

  /** Throws DecodeError for a malformed option; every other fault is told as an event, later. */
  answer(request: Request): void {
    if (this.#probing.has(request.client)) {
      this.#probing.set(request.client, request)
      return
    }
    const decision = this.#decide(request)
    const work = decision.kind === 'reply' ? this.#reply(request, decision) : this.#ignore(request, decision)
    work.catch((error) => {
      // The socket was closed under what was still under way.
      if (!this.#options.signal.aborted) this.#options.onDecision(describeFailure(request, error))
    })
  }

  #decide(request: Request): Decision {
    const { config, directory, table, scriptUrl } = this.#options
    return decide(request, { config, directory, leases: table, now: Date.now(), scriptUrl })
  }

  async #ignore(request: Request, decision: Decision & { kind: 'ignore' }): Promise<void> {
    this.#options.onDecision(describeDecision(request, decision))
    if (decision.change) await this.#apply(decision.change)
  }

  async #reply(request: Request, reply: Reply): Promise<void> {
    const { probe, change } = reply
    if (change?.kind === 'hold') await this.#apply(change)
    if (probe !== undefined && this.#probes.isNeeded(probe, Date.now())) {
      const last = await this.#probe(request, probe)
      // In use, or a newer DISCOVER came meanwhile: the decision is another one now.
      if (last !== request) return this.answer(last)
    }
    if (change?.kind === 'bind') await this.#apply(change)
    await this.#send(reply)
    this.#options.onDecision(describeDecision(request, reply))
  }

  /** Waits for the link's answer. Returns the request to answer now, a copy where the address turned out to be in use. */
  async #probe(request: Request, address: Ipv4): Promise<Request> {
    const { client, mac } = request
    this.#probing.set(client, request)
    try {
      const owner = await this.#probes.findOwner(address, mac, Date.now())
      const last = this.#probing.get(client) ?? request
      if (owner === undefined) return last
      await this.#apply({ kind: 'quarantine', address, expiresAt: Date.now() + quarantineMs })
      const reason = `${formatIpv4(address)} was to be offered, but ${owner} answers for it: quarantined`
      this.#options.onDecision(describeDecision(request, { kind: 'ignore', reason }))
      return { ...last }
    } finally {
      this.#probing.delete(client)
    }
  }

  /** Changes the table, and for a bound lease the database before it. */
  async #apply(change: LeaseChange): Promise<void> {
    const { table, leases } = this.#options
    switch (change.kind) {
      case 'hold':
        table.put({ ...change, state: 'offered' })
        return
      case 'quarantine':
        table.put({ ...change, client: '', state: 'quarantined' })
        return
      case 'bind':
        return this.#bind(change)
      case 'end': {
        const now = Date.now()
        const holding = table.byClient(change.client)
        table.end(change.client, now)
        if (holding?.state === 'bound') {
          await leases.write({ address: holding.address, client: change.client, grantedAt: now, expiresAt: now })
        }
      }
    }
  }

  async #bind({ address, client, grantedAt, expiresAt }: LeaseChange & { kind: 'bind' }): Promise<void> {
    const { table, leases } = this.#options
    // Nobody else may be given the address while the lease is being written.
    if (table.holderOf(address, grantedAt)?.client !== client) {
      table.put({ address, client, state: 'offered', expiresAt: grantedAt + offerMs })
    }
    await leases.write({ address, client, grantedAt, expiresAt })
    table.put({ address, client, state: 'bound', expiresAt })
  }

  async #send({ message, destination, maximumBytes }: Reply): Promise<void> {
    const { socket, interface: interfaceName } = this.#options
    const payload = encodeMessage(message, maximumBytes)
    if (destination.kind === 'broadcast') return send(socket, payload, clientPort, limitedBroadcast)
    const { address, port, hardwareAddress } = destination
    if (!hardwareAddress) return send(socket, payload, port, formatIpv4(address))
    await sendToClient(socket, payload, { interface: interfaceName, address, port, hardwareAddress })
  }
}
