import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import koffi from 'koffi'

type Compress = (
  context: unknown,
  target: Uint8Array,
  capacity: number,
  bytes: Uint8Array,
  size: number,
  level: number,
) => number | bigint
type Decompress = (context: unknown, target: Uint8Array, capacity: number, stored: Uint8Array, size: number) => unknown

/*
 * node:zlib makes a new context and new memory for every call, which for chunks of 256 KiB is a third of the time. The
 * zstd that Node itself is linked with can be called with memory of ours; Node exports it, as it does zlib and OpenSSL, to
 * its addons. Where a build does not, node:zlib does the work.
 */
const direct = bindZstd()
const directCompress = bindCompress()

/**
 * Compresses to one zstd frame at the start of `target`; gives its length, or undefined where there is no room for it. Not for
 * use by two threads: each has its own copy of this module.
 */
export function compressZstd(bytes: Uint8Array, target: Uint8Array, level: number): number | undefined {
  return directCompress ? directCompress(bytes, target, level) : compressByZlib(bytes, target, level)
}

/** The way that needs nothing but Node's documented API. */
export function compressByZlib(bytes: Uint8Array, target: Uint8Array, level: number): number | undefined {
  const params = { [constants.ZSTD_c_compressionLevel]: level }
  const compressed = zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length, chunkSize: bytes.length + 1024 })
  if (compressed.length > target.length) return undefined
  target.set(compressed)
  return compressed.length
}

/**
 * Decompresses one zstd frame to the start of `target`. True when it came to exactly `sizeBytes`; false for anything else, and for
 * what is no zstd. Not for use by two threads: each has its own copy of this module.
 */
export function decompressZstd(stored: Uint8Array, target: Uint8Array, sizeBytes: number): boolean {
  if (sizeBytes > target.length) return false
  return direct ? direct(stored, target, sizeBytes) : decompressByZlib(stored, target, sizeBytes)
}

/** The way that needs nothing but Node's documented API. */
export function decompressByZlib(stored: Uint8Array, target: Uint8Array, sizeBytes: number): boolean {
  try {
    const content = zstdDecompressSync(stored, { chunkSize: sizeBytes + 64, maxOutputLength: sizeBytes })
    target.set(content)
    return content.length === sizeBytes
  } catch {
    return false
  }
}

function bindZstd() {
  try {
    const program = koffi.load(null)
    const context = program.func('void *ZSTD_createDCtx()')()
    const decompress = program.func(
      'size_t ZSTD_decompressDCtx(void *context, _Out_ uint8_t *target, size_t capacity, const uint8_t *stored, size_t size)',
    ) as unknown as Decompress
    // An error is a number near the top of size_t, which is never a size.
    return (stored: Uint8Array, target: Uint8Array, sizeBytes: number) =>
      decompress(context, target, sizeBytes, stored, stored.length) === sizeBytes
  } catch {
    return undefined
  }
}

function bindCompress() {
  try {
    const program = koffi.load(null)
    const context = program.func('void *ZSTD_createCCtx()')()
    const compress = program.func(
      'size_t ZSTD_compressCCtx(void *context, _Out_ uint8_t *target, size_t capacity, const uint8_t *bytes, size_t size, int level)',
    ) as unknown as Compress
    return (bytes: Uint8Array, target: Uint8Array, level: number) => {
      const length = Number(compress(context, target, target.length, bytes, bytes.length, level))
      return length <= target.length ? length : undefined // an error is a number near the top of size_t
    }
  } catch {
    return undefined
  }
}
