import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

/** RFC 1952 §2.3: deflate, no time, no name, system unknown. */
export const gzipHeader: Buffer = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)
/**
 * RFC 1951 §3.2.4: a stored block of nothing, which may stand between any two others. It keeps a connection alive on
 * which there is nothing else to say yet.
 */
export const emptyBlock: Buffer = Buffer.of(0, 0, 0, 0xff, 0xff)
/** An empty block too, and the last one. */
const lastBlock = Buffer.of(3, 0)

const deflate = promisify(deflateRaw)
/** Fast: the wire is rarely slower than this. */
const level = 1
const partsAhead = 8

/**
 * One gzip member of all parts, headed by gzipHeader. Parts are compressed side by side in the thread pool, each ending
 * on a whole byte with a sync flush, so that several cores work on one stream.
 */
export async function* gzipParts(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let check = 0
  let sizeBytes = 0
  yield gzipHeader
  const underWay: Promise<Buffer>[] = []
  for await (const part of parts) {
    check = crc32(part, check)
    sizeBytes += part.length
    const deflated = deflate(part, { level, finishFlush: constants.Z_SYNC_FLUSH })
    deflated.catch(() => undefined) // met when its turn comes
    underWay.push(deflated)
    if (underWay.length > partsAhead) yield await underWay.shift()!
  }
  for (const deflated of underWay) yield await deflated
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(check, 0)
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4)
  yield Buffer.concat([lastBlock, trailer])
}
