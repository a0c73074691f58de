import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import { ArpProbes } from '../net/arp-probes.ts'
import { probeRoutedAddress } from '../net/routed-probe.ts'

/** An address found free is not asked about again for so long. */
const rememberMs = 30_000

/** `isOnLink`: the address is on the interface's own link, where ARP tells for certain. */
export type ProbeSettings = { timeoutMs: number; isOnLink: boolean }

/** Asks the network who has an address, at most once in 30 s each. */
export class InUseProbes {
  readonly #arp: ArpProbes
  readonly #interface: string
  /** When each was found free, the longest ago first. */
  readonly #foundFree = new Map<Ipv4, number>()

  constructor(interfaceName: string) {
    this.#arp = new ArpProbes(interfaceName)
    this.#interface = interfaceName
  }

  isNeeded(address: Ipv4, timeoutMs: number, now: number): boolean {
    if (timeoutMs === 0) return false
    for (const [old, at] of this.#foundFree) {
      if (now - at < rememberMs) break
      this.#foundFree.delete(old)
    }
    return !this.#foundFree.has(address)
  }

  /**
   * Who has the address beside the client it is for, which may still use it from its last boot: a MAC, or in words
   * where a router stands between. Throws LinuxError.
   */
  async findOwner(
    address: Ipv4,
    client: Mac | undefined,
    { timeoutMs, isOnLink }: ProbeSettings,
    now: number,
  ): Promise<string | undefined> {
    if (isOnLink) {
      const owner = await this.#arp.findOwner(address, timeoutMs)
      if (owner !== undefined && owner !== client) return owner
    } else if (await probeRoutedAddress({ interface: this.#interface, address: formatIpv4(address), timeoutMs })) {
      return 'somebody'
    }
    this.#foundFree.delete(address)
    this.#foundFree.set(address, now)
    return undefined
  }
}
