import { type Mac, macToBytes } from '../bytes/mac.ts'
import { openIcmpv6Fd, sendIcmpv6 } from '../linux/icmpv6-socket.ts'
import { LinuxError } from '../linux/linux-error.ts'
import { closeFd } from '../linux/socket.ts'

/** RFC 4861 §4.2: type 134, no router (lifetime 0), no DHCPv6 (M and O clear), no options: "there is nothing here for you". */
const nothingHere = new Uint8Array(16)
nothingHere[0] = 134

/**
 * Tells iPXE that there is no IPv6 to wait for. It solicits IPv6 routers at the same time as it asks for its IPv4 lease, and
 * begins to boot when both have ended: on a segment without an IPv6 router that is 16 s after it has its lease. The answer is
 * to its link-local address alone, so that no other machine of the segment hears it.
 */
export class RouterAdvertiser implements Disposable {
  /** Undefined where there is no IPv6 or no privilege; boots then take those seconds more. */
  readonly #fd: number | undefined

  constructor(interfaceName: string) {
    this.#fd = unlessLinuxRefuses(() => openIcmpv6Fd(interfaceName))
  }

  /** Sends at once, or not at all. */
  advertiseNothing(mac: Mac): void {
    const fd = this.#fd
    if (fd !== undefined) unlessLinuxRefuses(() => sendIcmpv6(fd, nothingHere, linkLocalAddress(mac)))
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeFd(this.#fd)
  }
}

/** RFC 4291 §2.5.6 and appendix A: fe80::/64 and the modified EUI-64 of the MAC address. */
function linkLocalAddress(mac: Mac): Uint8Array {
  const octets = macToBytes(mac)
  return Uint8Array.of(
    0xfe,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    octets[0]! ^ 2,
    octets[1]!,
    octets[2]!,
    0xff,
    0xfe,
    ...octets.subarray(3),
  )
}

function unlessLinuxRefuses<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    if (error instanceof LinuxError) return undefined
    throw error
  }
}
