import { type Ipv4, parseIpv4, type Subnet, subnetContains } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { MemoryDirectory } from '../core/directory.ts'
import type { Lease } from '../core/lease.ts'
import type { NamedAddress } from '../core/name-service.ts'

/** Addresses of a name or the name of an address, and how long that may be believed. */
export type Named<Value> = { value: Value; ttlSeconds: number }

/** A reservation changes when a person changes it; a lease by itself. */
const reservedTtlSeconds = 300
const leasedTtlSeconds = 60

/** Which name has which address: a machine's reserved one, else what it leases now; then the site's reservations. */
export class NameBook {
  readonly #directory: MemoryDirectory
  readonly #subnets: readonly Subnet[]
  readonly #leases = new Map<Ipv4, Lease>()
  readonly #leasedBy = new Map<string, Set<Ipv4>>()
  readonly #reservedByName: ReadonlyMap<string, Ipv4>
  readonly #reservedByAddress: ReadonlyMap<Ipv4, string>

  /** `directory` is asked anew each time: who owns it keeps it up to date. */
  constructor(parts: {
    directory: MemoryDirectory
    subnets: readonly Subnet[]
    /** The first of a name, and of an address, holds. */
    reservations: readonly NamedAddress[]
  }) {
    const named = parts.reservations.map(({ name, address }) => ({ name: name.toLowerCase(), address })).reverse()
    this.#directory = parts.directory
    this.#subnets = parts.subnets
    this.#reservedByName = new Map(named.map(({ name, address }) => [name, address]))
    this.#reservedByAddress = new Map(named.map(({ name, address }) => [address, name]))
  }

  /** The last of an address holds; one that ends now is how a release is told. */
  putLease(lease: Lease): void {
    const before = this.#leases.get(lease.address)
    if (before && before.client !== lease.client) this.#leasedBy.get(before.client)?.delete(lease.address)
    this.#leases.set(lease.address, lease)
    const held = this.#leasedBy.get(lease.client)
    if (held) held.add(lease.address)
    else this.#leasedBy.set(lease.client, new Set([lease.address]))
  }

  /** Undefined where nobody has the name; empty where its machine has no address now. `label` in lower case. */
  addressesOf(label: string, now: number): Named<Ipv4>[] | undefined {
    const machine = this.#directory.byName(label)
    const reserved = machine?.address === undefined ? this.#reservedByName.get(label) : parseIpv4(machine.address)
    if (reserved !== undefined) return [{ value: reserved, ttlSeconds: reservedTtlSeconds }]
    return machine?.macs.flatMap((mac) => this.#leased(mac, now))
  }

  nameOf(address: Ipv4, now: number): Named<string> | undefined {
    const machine = this.#directory.byReservedAddress(address)
    if (machine) return { value: machine.name, ttlSeconds: reservedTtlSeconds }
    const reserved = this.#reservedByAddress.get(address)
    if (reserved !== undefined) return { value: reserved, ttlSeconds: reservedTtlSeconds }
    const lease = this.#leases.get(address)
    const holder = lease && this.#directory.byMac(lease.client as Mac)
    if (!holder || !this.#leased(lease.client, now).some(({ value }) => value === address)) return undefined
    return { value: holder.name, ttlSeconds: ttlOf(lease, now) }
  }

  /** In each subnet the address that the client was granted last. */
  #leased(client: string, now: number): Named<Ipv4>[] {
    const held = [...(this.#leasedBy.get(client) ?? [])].map((address) => this.#leases.get(address)!)
    return this.#subnets.flatMap((subnet) => {
      const own = held.filter(({ address }) => subnetContains(subnet, address))
      const last = own.reduce<Lease | undefined>((a, b) => (a && a.grantedAt > b.grantedAt ? a : b), undefined)
      return last && last.expiresAt > now ? [{ value: last.address, ttlSeconds: ttlOf(last, now) }] : []
    })
  }
}

function ttlOf({ expiresAt }: Lease, now: number): number {
  return Math.min(leasedTtlSeconds, Math.floor((expiresAt - now) / 1000))
}
