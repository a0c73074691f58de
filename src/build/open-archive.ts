import { createReadStream } from 'node:fs'
import { createZstdDecompress } from 'node:zlib'

/** The bytes of a tar, which may be compressed by zstd. */
export function openArchive(path: string): AsyncIterable<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 20 })
  if (!path.endsWith('.zst')) return file
  const plain = createZstdDecompress()
  file.on('error', (error) => plain.destroy(error))
  return file.pipe(plain)
}
