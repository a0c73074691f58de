import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import type { RouterAdvertiser } from '../net/router-advertisement.ts'
import type { LeaseStore } from '../store/lease-store.ts'
import { offerMs, quarantineMs } from './decide.ts'
import type { Decision, LeaseChange, Reply, Request } from './decision.ts'
import { describeDecision, describeFailure } from './dhcp-event.ts'
import { type DhcpInterface, decideOnInterface, type SiteContext } from './dhcp-site.ts'
import type { EventLimiter } from './event-limiter.ts'
import type { InUseProbes } from './in-use-probes.ts'
import type { LeaseTable } from './lease-table.ts'
import type { ReplySender } from './reply-sender.ts'
import { isOnLink, type SubnetConfig } from './subnet-config.ts'

export type AnswererOptions = {
  interface: DhcpInterface
  /** Everything a decision depends on but the time. */
  context: Omit<SiteContext<LeaseTable>, 'now'>
  leases: LeaseStore
  probes: InUseProbes
  sender: ReplySender
  routers: RouterAdvertiser
  events: EventLimiter
  signal: AbortSignal
}

/** A decision with where its lease change goes. */
type Decided = { decision: Decision; leases?: LeaseTable; config?: SubnetConfig }

/** decide → (probe) → (write the lease) → send, for any number of clients at once. */
export class Answerer {
  readonly #options: AnswererOptions
  /** Clients whose address is being probed, with the last DISCOVER each has sent. */
  readonly #probing = new Map<string, Request>()

  constructor(options: AnswererOptions) {
    this.#options = options
  }

  /** Throws DecodeError for a malformed option; every other fault is told as an event, later. */
  answer(request: Request): void {
    if (this.#probing.has(request.client)) {
      this.#probing.set(request.client, request)
      return
    }
    const { interface: link, context } = this.#options
    const decided = decideOnInterface(request, link, { ...context, now: Date.now() })
    if (link.isSilent || decided.decision.kind === 'ignore') this.#tell(request, decided.decision)
    if (!link.isSilent) this.#carryOut(request, decided)
  }

  /** At once where neither the link nor the disk is to be waited for. */
  #carryOut(request: Request, { decision, leases, config }: Decided): void {
    if (!leases || !config) return
    const { change } = decision
    if (decision.kind === 'ignore') {
      if (change) this.#apply(request, change, leases)
      return
    }
    if (change?.kind === 'hold') leases.put({ ...change, state: 'offered' })
    const { probe } = decision
    if (probe !== undefined && this.#options.probes.isNeeded(probe, config.probeMs, Date.now())) {
      this.#probeFirst(request, decision, probe, leases, config).catch((error) => this.#fail(request, error))
    } else this.#finish(request, decision, leases)
  }

  async #probeFirst(request: Request, reply: Reply, probe: Ipv4, leases: LeaseTable, config: SubnetConfig) {
    const last = await this.#probe(request, probe, leases, config)
    // In use, or a newer DISCOVER came meanwhile: the decision is another one now.
    if (last === request) this.#finish(request, reply, leases)
    else this.answer(last)
  }

  /** The lease is on disk before the reply leaves. */
  #finish(request: Request, reply: Reply, leases: LeaseTable): void {
    const { change } = reply
    if (change?.kind === 'bind') this.#bind(request, change, leases, () => this.#send(request, reply))
    else this.#send(request, reply)
  }

  #send(request: Request, reply: Reply): void {
    const failed = (error: unknown) => this.#fail(request, error)
    try {
      this.#options.sender.send(reply, request.source.localPort, failed)
      if (reply.change?.kind === 'bind') this.#spareIpv6Wait(request)
      this.#tell(request, reply)
    } catch (error) {
      failed(error)
    }
  }

  /** iPXE asks for IPv6 routers beside DHCP, and boots when both have ended. */
  #spareIpv6Wait({ classification, message, mac }: Request): void {
    if (mac === undefined || message.giaddr !== 0 || classification.kind !== 'firmware') return
    if (classification.firmware.kind === 'ipxe') this.#options.routers.advertiseNothing(mac)
  }

  #fail(request: Request, error: unknown): void {
    const { events, signal } = this.#options
    // The socket was closed under what was still under way.
    if (!signal.aborted) events.tell(describeFailure(request, error))
  }

  #tell(request: Request, decision: Decision): void {
    const { interface: link, events } = this.#options
    const isAboutBooting = decision.kind === 'reply' && request.classification.kind === 'firmware'
    if (!events.mayTell(isAboutBooting)) return
    events.tell(describeDecision(request, decision, { isSilent: link.isSilent }))
  }

  /** Waits for the link's answer. Returns the request to answer now, a copy where the address turned out to be in use. */
  async #probe(request: Request, address: Ipv4, leases: LeaseTable, config: SubnetConfig): Promise<Request> {
    const { client, mac } = request
    const { probes } = this.#options
    this.#probing.set(client, request)
    try {
      const how = { timeoutMs: config.probeMs, isOnLink: isOnLink(config) }
      const owner = await probes.findOwner(address, mac, how, Date.now())
      const last = this.#probing.get(client) ?? request
      if (owner === undefined) return last
      this.#apply(request, { kind: 'quarantine', address, expiresAt: Date.now() + quarantineMs }, leases)
      const reason = `${formatIpv4(address)} was to be offered, but ${owner} answers for it: quarantined`
      this.#tell(request, { kind: 'ignore', reason })
      return { ...last }
    } finally {
      this.#probing.delete(client)
    }
  }

  /** Changes the table, and for a bound lease the journal. */
  #apply(request: Request, change: LeaseChange, table: LeaseTable): void {
    switch (change.kind) {
      case 'hold':
        table.put({ ...change, state: 'offered' })
        break
      case 'quarantine':
        table.put({ ...change, client: '', state: 'quarantined' })
        break
      case 'bind':
        this.#bind(request, change, table, () => {})
        break
      case 'end':
        this.#end(request, change.client, table)
    }
  }

  #end(request: Request, client: string, table: LeaseTable): void {
    const now = Date.now()
    const holding = table.byClient(client)
    table.end(client, now)
    if (holding?.state !== 'bound') return
    this.#write(request, { address: holding.address, client, grantedAt: now, expiresAt: now }, () => {})
  }

  #bind(request: Request, change: LeaseChange & { kind: 'bind' }, table: LeaseTable, done: () => void): void {
    const { address, client, grantedAt, expiresAt } = change
    // Nobody else may be given the address while the lease is being written.
    if (table.holderOf(address, grantedAt)?.client !== client) {
      table.put({ address, client, state: 'offered', expiresAt: grantedAt + offerMs })
    }
    this.#write(request, { address, client, grantedAt, expiresAt }, () => {
      table.put({ address, client, state: 'bound', expiresAt })
      done()
    })
  }

  #write(request: Request, lease: Lease, done: () => void): void {
    this.#options.leases.write(lease, (error) => (error ? this.#fail(request, error) : done()))
  }
}
