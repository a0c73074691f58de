import { readSync, readvSync } from 'node:fs'

/** Where a transfer's bytes come from, in order. */
export type BlockSource = {
  /** Fills the buffers one after the other and returns the bytes written; fewer than fit only at the end. Throws. */
  fill(buffers: readonly Uint8Array[]): number
}

/**
 * A file as it is, by positional reads. They are synchronous: a loader lies in the page cache or the kernel reads it ahead, and
 * asking the thread pool costs ten times such a read. The caller closes the descriptor.
 */
export function octetSource(fd: number): BlockSource {
  let position = 0
  return {
    fill(buffers) {
      const bytesRead = readvSync(fd, buffers, position)
      position += bytesRead
      return bytesRead
    },
  }
}

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array): BlockSource {
  let position = 0
  return {
    fill(buffers) {
      const start = position
      for (const buffer of buffers) {
        const piece = bytes.subarray(position, position + buffer.length)
        buffer.set(piece)
        position += piece.length
      }
      return position - start
    },
  }
}

/** Text in memory, UTF-8 with LF at its line ends, as netascii. */
export function netasciiBytes(text: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(text).toString().replaceAll('\n', '\r\n'))
}

const lf = 0x0a
const cr = 0x0d
const nul = 0x00
const readBytes = 16 * 1024

/** A text file in netascii (RFC 1350 §3, RFC 764): LF becomes CR LF and CR becomes CR NUL. */
export function netasciiSource(fd: number): BlockSource {
  const input = Buffer.allocUnsafe(readBytes)
  let inputLength = 0
  let next = 0
  let position = 0
  let pending: number | undefined

  function readMore(): boolean {
    inputLength = readSync(fd, input, 0, readBytes, position)
    position += inputLength
    next = 0
    return inputLength > 0
  }

  function takeByte(): number {
    if (pending !== undefined) {
      const byte = pending
      pending = undefined
      return byte
    }
    const byte = input[next++]!
    if (byte === lf) pending = lf
    if (byte === cr) pending = nul
    return byte === lf ? cr : byte
  }

  return {
    fill(buffers) {
      let total = 0
      for (const buffer of buffers) {
        for (let offset = 0; offset < buffer.length; offset++) {
          if (pending === undefined && next === inputLength && !readMore()) return total
          buffer[offset] = takeByte()
          total++
        }
      }
      return total
    },
  }
}
