import { bindLibc, checkResult } from './libc.ts'
import { bindToInterface, nativeInt, openSocketFd, setOption } from './socket.ts'

const AF_INET6 = 10
const SOCK_RAW = 3
const IPPROTO_IPV6 = 41
const IPPROTO_ICMPV6 = 58
const IPV6_UNICAST_HOPS = 16
const ICMP6_FILTER = 1

const sendto = bindLibc<
  (fd: number, bytes: Uint8Array, size: number, flags: number, address: Uint8Array, length: number) => number
>(
  'intptr_t sendto(int fd, const uint8_t *bytes, size_t size, int flags, const uint8_t *address, unsigned int addressLength)',
)

/**
 * A socket that sends ICMPv6 messages on one interface with the hop limit of neighbour discovery (255, RFC 4861 §6.1.2)
 * and receives nothing, as a plain descriptor, which the caller owns. Needs CAP_NET_RAW. Throws LinuxError, also where
 * there is no IPv6.
 */
export function openIcmpv6Fd(interfaceName: string): number {
  return openSocketFd('ICMPv6', [AF_INET6, SOCK_RAW, IPPROTO_ICMPV6], (fd) => {
    bindToInterface(fd, interfaceName)
    setOption(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, nativeInt(255), 'IPV6_UNICAST_HOPS')
    // struct icmp6_filter: a bit for each type that is kept out
    setOption(fd, IPPROTO_ICMPV6, ICMP6_FILTER, Buffer.alloc(32, 0xff), 'ICMP6_FILTER')
  })
}

/**
 * Sends one message from the interface's link-local address; the kernel fills in the checksum. `target` is a link-local
 * address, 16 bytes. Throws LinuxError (EADDRNOTAVAIL, ENETUNREACH: the interface has no IPv6).
 */
export function sendIcmpv6(fd: number, message: Uint8Array, target: Uint8Array): void {
  const address = Buffer.alloc(28) // struct sockaddr_in6: family, port, flow, address, scope (the socket's interface)
  address.writeUInt16LE(AF_INET6, 0)
  address.set(target, 8)
  checkResult(sendto(fd, message, message.length, 0, address, address.length), () => 'sendto(ICMPv6)')
}
