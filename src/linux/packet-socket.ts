import { constants } from 'node:os'
import koffi from 'koffi'
import { bindLibc, checkResult } from './libc.ts'
import { LinuxError } from './linux-error.ts'
import { openSocketFd, setOption } from './socket.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
const SOL_PACKET = 263
const PACKET_ADD_MEMBERSHIP = 1
const PACKET_MR_MULTICAST = 0

const bind = bindLibc<(fd: number, address: Uint8Array, length: number) => number>(
  'int bind(int fd, const uint8_t *address, unsigned int length)',
)
const recv = bindLibc<(fd: number, bytes: Uint8Array, size: number, flags: number) => number>(
  'intptr_t recv(int fd, _Out_ uint8_t *bytes, size_t size, int flags)',
)
const send = bindLibc<(fd: number, bytes: Uint8Array, size: number, flags: number) => number>(
  'intptr_t send(int fd, const uint8_t *bytes, size_t size, int flags)',
)
const if_nametoindex = bindLibc<(name: string) => number>('unsigned int if_nametoindex(const char *name)')

/** EtherType of what stands behind a length instead of one (linux/if_ether.h: ETH_P_802_2). */
export const etherType8022 = 0x0004

/**
 * Whole Ethernet frames of one EtherType on one interface, also those to the groups given, as a plain, non-blocking descriptor,
 * which the caller owns. Needs CAP_NET_RAW. Throws LinuxError.
 */
export function openPacketFd(interfaceName: string, etherType: number, groups: readonly Uint8Array[]): number {
  const index = if_nametoindex(interfaceName)
  if (index === 0) throw new LinuxError(`if_nametoindex(${interfaceName})`, koffi.errno())
  // Made for no protocol, so that nothing of another interface comes in before it is bound.
  return openSocketFd('packets', [AF_PACKET, SOCK_RAW, 0], (fd) => {
    const address = Buffer.alloc(20) // struct sockaddr_ll
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeUInt16BE(etherType, 2)
    address.writeInt32LE(index, 4)
    checkResult(bind(fd, address, address.length), () => `bind(packets on ${interfaceName})`)
    for (const group of groups) {
      const membership = Buffer.alloc(16) // struct packet_mreq
      membership.writeInt32LE(index, 0)
      membership.writeUInt16LE(PACKET_MR_MULTICAST, 4)
      membership.writeUInt16LE(group.length, 6)
      membership.set(group, 8)
      setOption(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership, `PACKET_ADD_MEMBERSHIP ${interfaceName}`)
    }
  })
}

/** None has come yet, a signal came, or the interface is down for now. */
const nothingThere: ReadonlySet<number> = new Set([
  constants.errno.EAGAIN,
  constants.errno.EINTR,
  constants.errno.ENETDOWN,
])

/** One frame into `buffer`, from its destination address on; gives its length, or undefined while none is there. Throws LinuxError. */
export function receiveFrame(fd: number, buffer: Uint8Array): number | undefined {
  const length = recv(fd, buffer, buffer.length, 0)
  if (length !== -1) return length
  const errno = koffi.errno()
  if (nothingThere.has(errno)) return undefined
  throw new LinuxError(`recv(${fd})`, errno)
}

/** Throws LinuxError. */
export function sendFrame(fd: number, frame: Uint8Array): void {
  checkResult(send(fd, frame, frame.length, 0), () => `send(frame, ${frame.length} bytes)`)
}
