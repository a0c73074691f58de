/** Bytes that do not fit where they must go: a fault of the caller, who chose the size. */
export class ByteWriterFull extends Error {
  override readonly name = 'ByteWriterFull'

  constructor(neededBytes: number, sizeBytes: number) {
    super(`Cannot write ${neededBytes} bytes: the buffer has room for ${sizeBytes}`)
  }
}

/** Writes big-endian fields (network order) into a buffer of fixed size, which starts as zeros. */
export class ByteWriter {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes)
  }

  get offset(): number {
    return this.#offset
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  u8(value: number): void {
    this.#bytes[this.#advance(1)] = value
  }

  u16(value: number): void {
    const at = this.#advance(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
  }

  u32(value: number): void {
    const at = this.#advance(4)
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
  }

  put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#advance(bytes.length))
  }

  /** Puts the bytes into a field of `sizeBytes`, zeros behind them. */
  putPadded(bytes: Uint8Array, sizeBytes: number): void {
    if (bytes.length > sizeBytes) throw new ByteWriterFull(bytes.length, sizeBytes)
    this.#bytes.set(bytes, this.#advance(sizeBytes))
  }

  /** What was written, with zeros up to `minimumBytes`; a view of the writer's buffer. */
  finish(minimumBytes = 0): Uint8Array {
    return this.#bytes.subarray(0, Math.max(this.#offset, minimumBytes))
  }

  #advance(lengthBytes: number): number {
    const at = this.#offset
    if (lengthBytes > this.#bytes.length - at) throw new ByteWriterFull(at + lengthBytes, this.#bytes.length)
    this.#offset = at + lengthBytes
    return at
  }
}
