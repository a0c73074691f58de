import { DatagramBatch } from '../linux/datagram-batch.ts'
import { POLLOUT, PollSet } from '../linux/poll.ts'
import { boundPort, closeFd, openUdpSocketFd, type UdpSocketOptions } from '../linux/socket.ts'

const batchDatagrams = 64
/** Of the datagrams that wait to be sent. */
const batchBytes = 256 * 1024
/** Longer ones are cut. */
const receivedBytes = 2048
/** A socket's buffer that is full this long is a link that is down. */
const sendTimeoutMs = 100

/** `payload` is the socket's own and only its first `length` bytes came; `address` is IPv4 in host order. */
export type OnDatagram = (payload: Buffer, length: number, address: number, port: number) => void

/**
 * A UDP socket without the event loop, for a thread that does nothing else: a system call for up to 64 datagrams, and nothing
 * allocated for any of them. The event loop costs several times what the kernel does.
 */
export interface BlockingSocket {
  readonly fd: number
  readonly port: number
  /** Calls back with what is there already, up to 64 datagrams, each cut after 2048 bytes. Throws LinuxError. */
  receive(onDatagram: OnDatagram): void
  /** Copies the payload; it leaves with the next flush() at the latest. */
  send(payload: Uint8Array, address: number, port: number): void
  /** What cannot be sent is lost, as on any link. */
  flush(): void
  close(): void
}

/** `payloadBytes`: of the longest datagram that is sent. Throws LinuxError (EADDRINUSE, EPERM, ENODEV). */
export function openBlockingSocket(options: UdpSocketOptions & { payloadBytes: number }): BlockingSocket {
  return new BatchingSocket(openUdpSocketFd(options), options.payloadBytes)
}

class BatchingSocket implements BlockingSocket {
  readonly fd: number
  readonly port: number
  readonly #incoming: DatagramBatch
  readonly #outgoing: DatagramBatch
  readonly #writable: PollSet
  #waiting = 0

  constructor(fd: number, payloadBytes: number) {
    this.fd = fd
    this.port = boundPort(fd)
    this.#incoming = new DatagramBatch(batchDatagrams, receivedBytes)
    const most = Math.max(1, Math.min(batchDatagrams, Math.floor(batchBytes / payloadBytes)))
    this.#outgoing = new DatagramBatch(most, payloadBytes)
    this.#writable = new PollSet([fd], POLLOUT)
  }

  receive(onDatagram: OnDatagram): void {
    const count = this.#incoming.receive(this.fd)
    for (let slot = 0; slot < count; slot++) {
      const { address, port } = this.#incoming.source(slot)
      onDatagram(this.#incoming.view(slot), this.#incoming.length(slot), address, port)
    }
  }

  send(payload: Uint8Array, address: number, port: number): void {
    this.#outgoing.fill(this.#waiting, payload, address, port)
    if (++this.#waiting === this.#outgoing.count) this.flush()
  }

  flush(): void {
    const end = this.#waiting
    let next = 0
    while (next < end) {
      const taken = this.#trySend(next, end)
      next += taken
      if (taken === 0 && this.#writable.wait(sendTimeoutMs) === 0) break
    }
    this.#waiting = 0
  }

  /** One that the kernel refuses (no route to it, say) counts as taken: the others are not its fault. */
  #trySend(first: number, end: number): number {
    try {
      return this.#outgoing.send(this.fd, end - first, first)
    } catch {
      return 1
    }
  }

  close(): void {
    closeFd(this.fd)
  }
}

/** Waits until one of the sockets has something, and names those that have. */
export class SocketWait {
  readonly #poll: PollSet
  readonly #sockets: readonly BlockingSocket[]

  constructor(sockets: readonly BlockingSocket[]) {
    this.#poll = new PollSet(sockets.map(({ fd }) => fd))
    this.#sockets = sockets
  }

  /** Calls back for each that has something. Throws LinuxError. */
  wait(timeoutMs: number, onReady: (index: number) => void): void {
    if (this.#poll.wait(timeoutMs) === 0) return
    for (let index = 0; index < this.#sockets.length; index++) if (this.#poll.isReady(index)) onReady(index)
  }
}
