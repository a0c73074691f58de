/** A stream ended where more had to come. */
export class SourceTruncated extends Error {
  override readonly name = 'SourceTruncated'
}

/** Reads a stream of buffers in pieces of the size that is asked for. */
export class ByteSource {
  /** How many bytes were taken. */
  position = 0
  readonly #stream: AsyncIterator<Buffer>
  #current: Buffer = Buffer.alloc(0)

  constructor(stream: AsyncIterable<Buffer>) {
    this.#stream = stream[Symbol.asyncIterator]()
  }

  /** Exactly `length` bytes, valid for ever; undefined at the clean end of the stream. Throws SourceTruncated. */
  async read(length: number): Promise<Buffer | undefined> {
    if (this.#current.length === 0 && !(await this.#next())) return undefined
    if (this.#current.length >= length) return this.#take(length)
    const parts: Buffer[] = []
    for (let missing = length; missing > 0; ) {
      if (this.#current.length === 0 && !(await this.#next())) throw new SourceTruncated()
      const part = this.#take(Math.min(missing, this.#current.length))
      missing -= part.length
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  /** Exactly `length` bytes, piece by piece as they come. Throws SourceTruncated. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    for (let missing = length; missing > 0; ) {
      if (this.#current.length === 0 && !(await this.#next())) throw new SourceTruncated()
      const part = this.#take(Math.min(missing, this.#current.length))
      missing -= part.length
      yield part
    }
  }

  /** Throws SourceTruncated. */
  async skip(length: number): Promise<void> {
    for await (const _ of this.pieces(length));
  }

  /** Reads to the end, so that a decompressor has checked all its sums. */
  async drain(): Promise<void> {
    do this.#take(this.#current.length)
    while (await this.#next())
  }

  /** Closes what is behind the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.return?.()
  }

  async #next(): Promise<boolean> {
    for (;;) {
      const { value, done } = await this.#stream.next()
      if (done) return false
      if (value.length === 0) continue
      this.#current = value
      return true
    }
  }

  #take(length: number): Buffer {
    const part = this.#current.subarray(0, length)
    this.#current = this.#current.subarray(length)
    this.position += length
    return part
  }
}
