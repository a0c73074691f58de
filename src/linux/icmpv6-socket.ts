import { networkInterfaces } from 'node:os'
import { bindLibc, checkResult } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const AF_INET6 = 10
const SOCK_RAW = 3
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const IPPROTO_IPV6 = 41
const IPPROTO_ICMPV6 = 58
const IPV6_UNICAST_HOPS = 16
const ICMP6_FILTER = 1

const socket = bindLibc<(domain: number, type: number, protocol: number) => number>(
  'int socket(int domain, int type, int protocol)',
)
const setsockopt = bindLibc<(fd: number, level: number, option: number, value: Uint8Array, length: number) => number>(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, unsigned int length)',
)
const sendto = bindLibc<
  (fd: number, bytes: Uint8Array, size: number, flags: number, address: Uint8Array, length: number) => number
>(
  'intptr_t sendto(int fd, const uint8_t *bytes, size_t size, int flags, const uint8_t *address, unsigned int addressLength)',
)

/**
 * A socket that sends ICMPv6 messages with the hop limit of neighbour discovery (255, RFC 4861 §6.1.2) and receives nothing,
 * as a plain descriptor, which the caller owns. Needs CAP_NET_RAW. Throws LinuxError, also where there is no IPv6.
 */
export function openIcmpv6Fd(): number {
  const fd = checkResult(
    socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6),
    () => 'socket(ICMPv6)',
  )
  const hops = Buffer.from([255, 0, 0, 0])
  checkResult(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, 4), () => 'setsockopt(IPV6_UNICAST_HOPS)')
  const blockAll = Buffer.alloc(32, 0xff) // struct icmp6_filter: a bit for each type that is kept out
  checkResult(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, blockAll, 32), () => 'setsockopt(ICMP6_FILTER)')
  return fd
}

/**
 * Sends one message from the interface's link-local address; the kernel fills in the checksum. `target` is a link-local
 * address, 16 bytes. Throws LinuxError (EADDRNOTAVAIL, ENETUNREACH: the interface has no IPv6).
 */
export function sendIcmpv6(fd: number, message: Uint8Array, target: Uint8Array, interfaceName: string): void {
  const scope = networkInterfaces()[interfaceName]?.find(({ family }) => family === 'IPv6')?.scopeid
  if (scope === undefined) throw new LinuxError(`sendto(ICMPv6 on ${interfaceName})`, EADDRNOTAVAIL)
  const address = Buffer.alloc(28) // struct sockaddr_in6: family, port, flow, address, scope
  address.writeUInt16LE(AF_INET6, 0)
  address.set(target, 8)
  address.writeUInt32LE(scope, 24)
  checkResult(
    sendto(fd, message, message.length, 0, address, address.length),
    () => `sendto(ICMPv6 on ${interfaceName})`,
  )
}

const EADDRNOTAVAIL = 99
