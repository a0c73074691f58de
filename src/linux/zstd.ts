import { zstdDecompressSync } from 'node:zlib'
import koffi from 'koffi'

type Decompress = (context: unknown, target: Uint8Array, capacity: number, stored: Uint8Array, size: number) => unknown

/*
 * node:zlib makes a new context and new memory for every call, which for chunks of 256 KiB is a third of the time. The
 * zstd that Node itself is linked with can be called with memory of ours; Node exports it, as it does zlib and OpenSSL, to
 * its addons. Where a build does not, node:zlib does the work.
 */
const direct = bindZstd()

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
