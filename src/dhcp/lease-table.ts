import type { Ipv4 } from '../bytes/ipv4.ts'
import type { Lease } from '../core/lease.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import { isPoolAddress, type SubnetConfig } from './subnet-config.ts'

/**
 * offered: held in memory until the client asks for it · bound: granted, and in the database · quarantined: somebody
 * else answers for the address. All end at `expiresAt`; an ended lease stays until its address is needed, so that its
 * client finds it again.
 */
export type Holding = { address: Ipv4; client: string; state: 'offered' | 'bound' | 'quarantined'; expiresAt: number }

/** What a decision may ask about the leases. */
export interface LeaseView {
  /** What the client holds or last held, ended or not. */
  byClient(client: string): Holding | undefined
  /** Who holds the address now. */
  holderOf(address: Ipv4, now: number): Holding | undefined
  /** An address of the pool that nobody holds: never used first, then the longest ended. */
  freeAddress(now: number, isReserved: (address: Ipv4) => boolean): Ipv4 | undefined
}

/** The subnet's leases in memory; every question takes constant time (amortised, a heap step for ended leases). */
export class LeaseTable implements LeaseView {
  readonly config: SubnetConfig
  readonly #byAddress = new Map<Ipv4, Holding>()
  readonly #byClient = new Map<string, Holding>()
  readonly #expiries = new ExpiryQueue<Ipv4>()
  /** When the address's earliest valid entry in the queue is due; later ends of a lease move it when it is reached. */
  readonly #queuedAt = new Map<Ipv4, number>()
  /** Pool addresses nobody has had yet. */
  readonly #fresh: Iterator<Ipv4, undefined>
  #nextFresh: Ipv4 | undefined
  /** Passed over because they were reserved; looked at again when the pools have nothing else. */
  readonly #setAside = new Set<Ipv4>()

  constructor(config: SubnetConfig, leases: Iterable<Lease> = []) {
    this.config = config
    this.#fresh = poolAddresses(config)
    this.#nextFresh = this.#fresh.next().value
    for (const { address, client, expiresAt } of leases) this.put({ address, client, state: 'bound', expiresAt })
  }

  get size(): number {
    return this.#byAddress.size
  }

  byClient(client: string): Holding | undefined {
    return this.#byClient.get(client)
  }

  holderOf(address: Ipv4, now: number): Holding | undefined {
    const holding = this.#byAddress.get(address)
    return holding && holding.expiresAt > now ? holding : undefined
  }

  freeAddress(now: number, isReserved: (address: Ipv4) => boolean): Ipv4 | undefined {
    return (
      this.#freshAddress(isReserved) ??
      this.#endedAddress(now, isReserved) ??
      this.#setAside.values().find((address) => !isReserved(address) && !this.holderOf(address, now))
    )
  }

  /** Gives the address to the holding's client; what the client held before, and who held the address, is forgotten. */
  put(holding: Holding): void {
    const before = this.#byAddress.get(holding.address)
    if (before) this.#unlinkClient(before)
    if (holding.state !== 'quarantined') {
      const other = this.#byClient.get(holding.client)
      if (other && other.address !== holding.address) this.#end(other)
      this.#byClient.set(holding.client, holding)
    }
    this.#byAddress.set(holding.address, holding)
    this.#queue(holding)
  }

  /** Ends what the client holds, now; it may find the address again as long as nobody else needs it. */
  end(client: string, now: number): void {
    const holding = this.#byClient.get(client)
    if (!holding || holding.expiresAt <= now) return
    this.put({ ...holding, expiresAt: now })
  }

  #end(holding: Holding): void {
    const ended = { ...holding, expiresAt: 0 }
    this.#byAddress.set(ended.address, ended)
    this.#queue(ended)
  }

  #unlinkClient(holding: Holding): void {
    if (this.#byClient.get(holding.client) === holding) this.#byClient.delete(holding.client)
  }

  #queue({ address, expiresAt }: Holding): void {
    const queued = this.#queuedAt.get(address)
    if (queued !== undefined && queued <= expiresAt) return
    this.#queuedAt.set(address, expiresAt)
    this.#expiries.push(expiresAt, address)
  }

  #freshAddress(isReserved: (address: Ipv4) => boolean): Ipv4 | undefined {
    for (; this.#nextFresh !== undefined; this.#nextFresh = this.#fresh.next().value) {
      const address = this.#nextFresh
      if (this.#byAddress.has(address)) continue
      if (!isReserved(address)) return address
      this.#setAside.add(address)
    }
    return undefined
  }

  #endedAddress(now: number, isReserved: (address: Ipv4) => boolean): Ipv4 | undefined {
    for (let due = this.#expiries.peek(); due && due.at <= now; due = this.#expiries.peek()) {
      const address = due.key
      const isValid = this.#queuedAt.get(address) === due.at
      const holding = this.#byAddress.get(address)
      const isEnded = holding !== undefined && holding.expiresAt <= now
      const inPool = isPoolAddress(this.config, address)
      if (isValid && isEnded && inPool && !isReserved(address)) return address
      this.#expiries.pop()
      if (!isValid || !holding) continue
      this.#queuedAt.delete(address)
      if (!isEnded) this.#queue(holding)
      else this.#forget(holding, inPool)
    }
    return undefined
  }

  #forget(holding: Holding, inPool: boolean): void {
    this.#unlinkClient(holding)
    this.#byAddress.delete(holding.address)
    if (inPool) this.#setAside.add(holding.address)
  }
}

function* poolAddresses(config: SubnetConfig): Generator<Ipv4, undefined> {
  for (const { first, last } of config.pools) {
    for (let address = first; address <= last; address++) {
      if (isPoolAddress(config, address as Ipv4)) yield address as Ipv4
    }
  }
  return undefined
}
