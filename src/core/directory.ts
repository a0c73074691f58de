import { type Ipv4, parseIpv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import type { BootRecord } from './machine.ts'

/** Who is who, as the packet servers ask it: no waiting, no I/O. */
export interface Directory {
  byMac(mac: Mac): BootRecord | undefined
  /** The machine an address is reserved for. */
  byReservedAddress(address: Ipv4): BootRecord | undefined
}

/** A directory in memory that is kept up to date by whole records, by machine id. */
export class MemoryDirectory implements Directory {
  readonly #byId = new Map<string, BootRecord>()
  readonly #byMac = new Map<Mac, BootRecord>()
  readonly #byAddress = new Map<Ipv4, BootRecord>()
  readonly #byName = new Map<string, BootRecord>()

  constructor(records: Iterable<BootRecord> = []) {
    for (const record of records) this.put(record)
  }

  get size(): number {
    return this.#byId.size
  }

  byMac(mac: Mac): BootRecord | undefined {
    return this.#byMac.get(mac)
  }

  byReservedAddress(address: Ipv4): BootRecord | undefined {
    return this.#byAddress.get(address)
  }

  byName(name: string): BootRecord | undefined {
    return this.#byName.get(name)
  }

  /** Adds the machine, or replaces what was known of it. A MAC or address of two machines goes to the later one. */
  put(record: BootRecord): void {
    this.delete(record.id)
    this.#byId.set(record.id, record)
    this.#byName.set(record.name, record)
    for (const mac of record.macs) this.#byMac.set(mac, record)
    if (record.address !== undefined) this.#byAddress.set(parseIpv4(record.address), record)
  }

  delete(id: string): void {
    const known = this.#byId.get(id)
    if (!known) return
    this.#byId.delete(id)
    if (this.#byName.get(known.name) === known) this.#byName.delete(known.name)
    for (const mac of known.macs) if (this.#byMac.get(mac) === known) this.#byMac.delete(mac)
    if (known.address === undefined) return
    const address = parseIpv4(known.address)
    if (this.#byAddress.get(address) === known) this.#byAddress.delete(address)
  }

  /** Makes the directory hold exactly these records. */
  replaceAll(records: Iterable<BootRecord>): void {
    this.#byId.clear()
    this.#byMac.clear()
    this.#byAddress.clear()
    this.#byName.clear()
    for (const record of records) this.put(record)
  }
}
