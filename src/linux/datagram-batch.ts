import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

/*
 * Many datagrams a system call: recvmmsg(2) and sendmmsg(2). All memory is outside of the heap and made once:
 * `struct mmsghdr` (64 bytes on 64-bit machines), `struct iovec` (16), `struct sockaddr_in` (16) and the payload for
 * each of the slots.
 */
const headerBytes = 64
const vectorBytes = 16
const addressBytes = 16
/** Where fields of mmsghdr begin. */
const nameOffset = 0
const nameLengthOffset = 8
const vectorOffset = 16
const vectorCountOffset = 24
const lengthOffset = 56
const AF_INET = 2
const MSG_DONTWAIT = 0x40
const EAGAIN = 11

type Transfer = (fd: number, headers: unknown, count: number, flags: number) => number
type TimedTransfer = (fd: number, headers: unknown, count: number, flags: number, timeout: null) => number
const sendmmsg = bindLibc<Transfer>('int sendmmsg(int fd, void *headers, unsigned int count, int flags)')
const recvmmsg = bindLibc<TimedTransfer>(
  'int recvmmsg(int fd, void *headers, unsigned int count, int flags, void *timeout)',
)

/** Room for `count` datagrams of at most `payloadBytes`, to be filled by us or by the kernel. */
export class DatagramBatch {
  readonly count: number
  readonly #payloadBytes: number
  readonly #memory: unknown
  readonly #base: bigint
  readonly #views: Buffer[] = []
  /** Slots below this are not ready to be received into. */
  #touched: number
  readonly #bytes: Buffer
  readonly #vectorsAt: number
  readonly #addressesAt: number
  readonly #payloadsAt: number

  constructor(count: number, payloadBytes: number) {
    this.count = count
    this.#touched = count
    this.#payloadBytes = payloadBytes
    this.#vectorsAt = count * headerBytes
    this.#addressesAt = this.#vectorsAt + count * vectorBytes
    this.#payloadsAt = this.#addressesAt + count * addressBytes
    const sizeBytes = this.#payloadsAt + count * payloadBytes
    this.#memory = koffi.alloc('uint8_t', sizeBytes)
    this.#bytes = Buffer.from(koffi.view(this.#memory, sizeBytes))
    this.#bytes.fill(0)
    this.#base = koffi.address(this.#memory)
    for (let slot = 0; slot < count; slot++) {
      this.#link(slot, this.#base)
      const at = this.#payloadsAt + slot * payloadBytes
      this.#views.push(this.#bytes.subarray(at, at + payloadBytes))
    }
  }

  #link(slot: number, base: bigint): void {
    const bytes = this.#bytes
    const header = slot * headerBytes
    const vector = this.#vectorsAt + slot * vectorBytes
    const address = this.#addressesAt + slot * addressBytes
    bytes.writeBigUInt64LE(base + BigInt(address), header + nameOffset)
    bytes.writeBigUInt64LE(base + BigInt(vector), header + vectorOffset)
    bytes.writeBigUInt64LE(1n, header + vectorCountOffset)
    bytes.writeBigUInt64LE(base + BigInt(this.#payloadsAt + slot * this.#payloadBytes), vector)
    bytes.writeUInt16LE(AF_INET, address)
  }

  /** Puts a datagram into a slot. `address`: IPv4 in host order. The payload must fit. */
  fill(slot: number, payload: Uint8Array, address: number, port: number): void {
    this.#touched = this.count
    const at = this.#addressesAt + slot * addressBytes
    this.#bytes.writeUInt32LE(addressBytes, slot * headerBytes + nameLengthOffset)
    this.#bytes.writeUInt32LE(payload.length, this.#vectorsAt + slot * vectorBytes + 8)
    this.#bytes.writeUInt16BE(port, at + 2)
    this.#bytes.writeUInt32BE(address, at + 4)
    this.#bytes.set(payload, this.#payloadsAt + slot * this.#payloadBytes)
  }

  /**
   * Sends `count` slots from `first` on; returns how many were taken before one was not. Throws LinuxError for the first
   * of them.
   */
  send(fd: number, count: number, first = 0): number {
    const headers = first === 0 ? this.#memory : this.#base + BigInt(first * headerBytes)
    return this.#transferred(sendmmsg(fd, headers, count, MSG_DONTWAIT), 'sendmmsg')
  }

  /** Receives what is there, up to all slots; returns how many. Throws LinuxError. */
  receive(fd: number): number {
    // Only what the kernel wrote to is not as it must be.
    for (let slot = 0; slot < this.#touched; slot++) {
      this.#bytes.writeUInt32LE(addressBytes, slot * headerBytes + nameLengthOffset)
      this.#bytes.writeUInt32LE(this.#payloadBytes, this.#vectorsAt + slot * vectorBytes + 8)
    }
    this.#touched = this.count
    const received = this.#transferred(recvmmsg(fd, this.#memory, this.count, MSG_DONTWAIT, null), 'recvmmsg')
    this.#touched = received
    return received
  }

  /** The slot's memory, all of it: what came into it is its first `length(slot)` bytes. */
  view(slot: number): Buffer {
    return this.#views[slot]!
  }

  length(slot: number): number {
    return this.#bytes.readUInt32LE(slot * headerBytes + lengthOffset)
  }

  /** A copy of what came into the slot. */
  payload(slot: number): Buffer {
    return Buffer.from(this.view(slot).subarray(0, this.length(slot)))
  }

  /** Where the slot's datagram came from; the address in host order. */
  source(slot: number): { address: number; port: number } {
    const at = this.#addressesAt + slot * addressBytes
    return { address: this.#bytes.readUInt32BE(at + 4), port: this.#bytes.readUInt16BE(at + 2) }
  }

  #transferred(result: number, call: string): number {
    if (result >= 0) return result
    const errno = koffi.errno()
    if (errno === EAGAIN) return 0
    throw new LinuxError(call, errno)
  }
}
