import { createHash } from 'node:crypto'
import { ImageSourceInvalid } from '../image-source.ts'

/**
 * Lets bytes through and, at their end, compares their digest (`sha256:HEX`, `sha512:HEX`) with what they should have.
 * Throws ImageSourceInvalid, which calls them `what` of `source`.
 */
export async function* checkDigest(
  bytes: AsyncIterable<Buffer>,
  { digest, source, what }: { digest: string; source: string; what: string },
): AsyncGenerator<Buffer> {
  const algorithm = digest.slice(0, digest.indexOf(':'))
  const hash = createHash(algorithm)
  for await (const part of bytes) {
    hash.update(part)
    yield part
  }
  const actual = `${algorithm}:${hash.digest('hex')}`
  if (actual !== digest) throw new ImageSourceInvalid(source, what, `it should be ${digest}, and is ${actual}`)
}
