import { isIPv4 } from 'node:net'
import { bindLibc, checkResult } from './libc.ts'

const AF_INET = 2
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_BROADCAST = 6
const SO_RCVBUF = 8
const SO_BINDTODEVICE = 25
const SO_RCVBUFFORCE = 33

const socket = bindLibc<(domain: number, type: number, protocol: number) => number>(
  'int socket(int domain, int type, int protocol)',
)
const setsockopt = bindLibc<(fd: number, level: number, option: number, value: Uint8Array, length: number) => number>(
  'int setsockopt(int fd, int level, int option, const uint8_t *value, unsigned int length)',
)
const bind = bindLibc<(fd: number, address: Uint8Array, length: number) => number>(
  'int bind(int fd, const uint8_t *address, unsigned int length)',
)
const listen = bindLibc<(fd: number, backlog: number) => number>('int listen(int fd, int backlog)')
const getsockname = bindLibc<(fd: number, address: Uint8Array, length: Uint8Array) => number>(
  'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint8_t *length)',
)
const close = bindLibc<(fd: number) => number>('int close(int fd)')

export type UdpSocketOptions = {
  /** Receives from and sends to this interface only (SO_BINDTODEVICE; needs CAP_NET_RAW before Linux 5.7). */
  interface?: string
  /** Dotted; `0.0.0.0` where not given, which is what receiving limited broadcasts needs. */
  address?: string
  /** 0 lets the kernel choose. */
  port: number
  /** Left out, a second program on the same port and interface is told EADDRINUSE. */
  reuseAddress?: boolean
  broadcast?: boolean
  /** Beyond net.core.rmem_max only with CAP_NET_ADMIN; without it the kernel's limit holds, silently. */
  receiveBufferBytes?: number
}

/** A bound, non-blocking UDP socket as a plain file descriptor, which the caller owns. Throws LinuxError. */
export function openUdpSocketFd(options: UdpSocketOptions): number {
  const { address = '0.0.0.0', port } = options
  return openSocketFd('UDP', [AF_INET, SOCK_DGRAM, 0], (fd) => {
    if (options.interface !== undefined) bindToInterface(fd, options.interface)
    if (options.reuseAddress) setNumber(fd, SO_REUSEADDR, 1, 'SO_REUSEADDR')
    if (options.broadcast) setNumber(fd, SO_BROADCAST, 1, 'SO_BROADCAST')
    if (options.receiveBufferBytes !== undefined) growReceiveBuffer(fd, options.receiveBufferBytes)
    const where = options.interface === undefined ? '' : ` on ${options.interface}`
    checkResult(bind(fd, socketAddress(address, port), 16), () => `bind(UDP ${address}:${port}${where})`)
  })
}

export type ListeningSocketOptions = { address: string; port: number; backlog?: number }

/**
 * A listening TCP socket as a plain file descriptor, which the caller owns. It belongs to the network namespace it was
 * made in, wherever its descriptor goes: that is how a listener crosses into the rack's. Throws LinuxError.
 */
export function openListeningSocketFd({ address, port, backlog = 511 }: ListeningSocketOptions): number {
  return openSocketFd('TCP', [AF_INET, SOCK_STREAM, 0], (fd) => {
    setNumber(fd, SO_REUSEADDR, 1, 'SO_REUSEADDR')
    checkResult(bind(fd, socketAddress(address, port), 16), () => `bind(TCP ${address}:${port})`)
    checkResult(listen(fd, backlog), () => `listen(TCP ${address}:${port})`)
  })
}

/** Whether sockets that are bound from now on may share its port, if they want to as well. Throws LinuxError. */
export function setReuseAddress(fd: number, mayShare: boolean): void {
  setNumber(fd, SO_REUSEADDR, mayShare ? 1 : 0, 'SO_REUSEADDR')
}

/** The port that a bound socket has, also where the kernel chose it. Throws LinuxError. */
export function boundPort(fd: number): number {
  const address = Buffer.alloc(16)
  checkResult(getsockname(fd, address, nativeInt(address.length)), () => `getsockname(${fd})`)
  return address.readUInt16BE(2)
}

export function closeFd(fd: number): void {
  checkResult(close(fd), () => `close(${fd})`)
}

/** A non-blocking socket that `prepare` has made ready; closed where that throws. Throws LinuxError. */
export function openSocketFd(
  what: string,
  [domain, type, protocol]: readonly [domain: number, type: number, protocol: number],
  prepare: (fd: number) => void,
): number {
  const fd = checkResult(socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), () => `socket(${what})`)
  try {
    prepare(fd)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

export function bindToInterface(fd: number, name: string): void {
  setOption(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${name}\0`), `SO_BINDTODEVICE ${name}`)
}

/** `name` is for the message. Throws LinuxError. */
export function setOption(fd: number, level: number, option: number, value: Uint8Array, name: string): void {
  checkResult(setsockopt(fd, level, option, value, value.length), () => `setsockopt(${name})`)
}

function growReceiveBuffer(fd: number, sizeBytes: number): void {
  const value = nativeInt(sizeBytes)
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, value, 4) === 0) return
  setNumber(fd, SO_RCVBUF, sizeBytes, 'SO_RCVBUF')
}

function setNumber(fd: number, option: number, value: number, name: string): void {
  setOption(fd, SOL_SOCKET, option, nativeInt(value), name)
}

/** `int` as the kernel reads it; the supported machines (x86-64, ARM64) are little-endian. */
export function nativeInt(value: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

/** struct sockaddr_in. */
export function socketAddress(address: string, port: number): Uint8Array {
  if (!isIPv4(address))
    throw new TypeError(`Cannot use ${address} as a socket address: it is not a dotted IPv4 address`)
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  address.split('.').forEach((part, index) => {
    bytes[4 + index] = Number(part)
  })
  return bytes
}
