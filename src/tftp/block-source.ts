import type { FileHandle } from 'node:fs/promises'

/** Where a transfer's bytes come from, in order. */
export type BlockSource = {
  /** Fills the buffers one after the other and resolves to the bytes written; fewer than fit only at the end. */
  fill(buffers: readonly Uint8Array[]): Promise<number>
}

/** A file as it is, by positional reads. The caller closes the handle. */
export function octetSource(file: FileHandle): BlockSource {
  let position = 0
  return {
    async fill(buffers) {
      const { bytesRead } = await file.readv(buffers, position)
      position += bytesRead
      return bytesRead
    },
  }
}

const lf = 0x0a
const cr = 0x0d
const nul = 0x00
const readBytes = 16 * 1024

/** A text file in netascii (RFC 1350 §3, RFC 764): LF becomes CR LF and CR becomes CR NUL. */
export function netasciiSource(file: FileHandle): BlockSource {
  const input = Buffer.allocUnsafe(readBytes)
  let inputLength = 0
  let next = 0
  let position = 0
  let pending: number | undefined

  async function readMore(): Promise<boolean> {
    const { bytesRead } = await file.read(input, 0, readBytes, position)
    position += bytesRead
    inputLength = bytesRead
    next = 0
    return bytesRead > 0
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
    async fill(buffers) {
      let total = 0
      for (const buffer of buffers) {
        for (let offset = 0; offset < buffer.length; offset++) {
          if (pending === undefined && next === inputLength && !(await readMore())) return total
          buffer[offset] = takeByte()
          total++
        }
      }
      return total
    },
  }
}
