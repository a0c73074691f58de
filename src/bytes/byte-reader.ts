import { DecodeError } from './decode-error.ts'

/**
 * Reads big-endian fields (network order) from the front of some bytes. Every read throws DecodeError, naming `what`
 * and the offset, when the bytes end too soon. Slices are views, not copies: the caller keeps the buffer alive.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  #offset: number

  constructor(bytes: Uint8Array, what: string, offset = 0) {
    this.#bytes = bytes
    this.#what = what
    this.#offset = offset
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(): number {
    return this.#bytes[this.#advance(1)]!
  }

  u16(): number {
    const at = this.#advance(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  u32(): number {
    const at = this.#advance(4)
    const bytes = this.#bytes
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  take(lengthBytes: number): Uint8Array {
    const at = this.#advance(lengthBytes)
    return this.#bytes.subarray(at, at + lengthBytes)
  }

  skip(lengthBytes: number): void {
    this.#advance(lengthBytes)
  }

  #advance(lengthBytes: number): number {
    const at = this.#offset
    if (lengthBytes > this.#bytes.length - at) {
      throw new DecodeError(this.#what, `${lengthBytes} bytes needed, ${this.#bytes.length - at} left`, at)
    }
    this.#offset = at + lengthBytes
    return at
  }
}
