import { formatIpv4, type Ipv4 } from '../bytes/ipv4.ts'
import type { Mac } from '../bytes/mac.ts'
import { probeAddress } from '../net/address-probe.ts'
import type { InterfaceSocket } from '../net/udp-socket.ts'

/** An address found free is not asked about again for so long. */
const rememberMs = 30_000

/** Asks the link who has an address, at most once in 30 s each. */
export class InUseProbes {
  readonly #socket: InterfaceSocket
  readonly #interface: string
  readonly #timeoutMs: number
  /** When each was found free, the longest ago first. */
  readonly #foundFree = new Map<Ipv4, number>()

  constructor(socket: InterfaceSocket, interfaceName: string, timeoutMs: number) {
    this.#socket = socket
    this.#interface = interfaceName
    this.#timeoutMs = timeoutMs
  }

  isNeeded(address: Ipv4, now: number): boolean {
    if (this.#timeoutMs === 0) return false
    for (const [old, at] of this.#foundFree) {
      if (now - at < rememberMs) break
      this.#foundFree.delete(old)
    }
    return !this.#foundFree.has(address)
  }

  /** Who has the address beside the client it is for, which may still use it from its last boot. Throws LinuxError. */
  async findOwner(address: Ipv4, client: Mac | undefined, now: number): Promise<Mac | undefined> {
    const owner = await probeAddress(this.#socket, {
      interface: this.#interface,
      address: formatIpv4(address),
      timeoutMs: this.#timeoutMs,
    })
    if (owner !== undefined && owner !== client) return owner
    this.#foundFree.delete(address)
    this.#foundFree.set(address, now)
    return undefined
  }
}
