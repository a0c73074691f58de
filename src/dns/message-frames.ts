/** The messages of a TCP connection, each with two bytes of length in front (RFC 1035 §4.2.2). */
export class MessageFrames {
  #rest: Buffer = Buffer.alloc(0)

  /** Those that are whole with this piece. */
  take(piece: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const messages: Buffer[] = []
    let at = 0
    while (bytes.length >= at + 2) {
      const end = at + 2 + bytes.readUInt16BE(at)
      if (bytes.length < end) break
      messages.push(bytes.subarray(at + 2, end))
      at = end
    }
    this.#rest = bytes.subarray(at)
    return messages
  }
}

/** At most 65535 bytes. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(2 + message.length)
  framed.writeUInt16BE(message.length)
  framed.set(message, 2)
  return framed
}
