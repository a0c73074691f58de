import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { DecodeError } from '../../bytes/decode-error.ts'
import { chunkBytes } from '../tree.ts'

/** Of what one chunk is compressed against. */
export const maxBaseBytes = 2 * 2 ** 20

/** Between zstd's default, and levels that take more than some milliseconds a chunk. */
const level = 6
/** Reaches over base and chunk: 4 MiB. */
const windowLog = 22
/** zstd takes a dictionary of less than eight bytes for none, or for an error. */
const minBaseBytes = 8

const compress = promisify(zstdCompress)

/** A chunk as what is new in it beside its base; in the thread pool. */
export async function encodeDelta(bytes: Buffer, base: Buffer): Promise<Buffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_windowLog]: windowLog }
  return compress(bytes, { params, ...(base.length >= minBaseBytes && { dictionary: base }) })
}

/** The chunk again. It is only right when its hash is: a wrong base gives wrong bytes or DecodeError. */
export function decodeDelta(stored: Buffer, base: Buffer, sizeBytes: number): Buffer {
  try {
    const bytes = zstdDecompressSync(stored, {
      chunkSize: chunkBytes + 64,
      maxOutputLength: sizeBytes,
      params: { [constants.ZSTD_d_windowLogMax]: windowLog },
      ...(base.length >= minBaseBytes && { dictionary: base }),
    })
    if (bytes.length === sizeBytes) return bytes
    throw new DecodeError('delta', `it gives ${bytes.length} bytes, not ${sizeBytes}`)
  } catch (error) {
    if (error instanceof DecodeError) throw error
    throw new DecodeError('delta', `its compression is damaged, or its base is another (${(error as Error).message})`)
  }
}
