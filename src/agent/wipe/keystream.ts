import { createCipheriv } from 'node:crypto'

const cipherBlockBytes = 16

/**
 * Fills `target` with what a key says stands at a byte of a disk: looks like noise, and can be said again. `offset` is a
 * multiple of 16 (AES-256 in counter mode; the counter is the place).
 */
export function fillKeystream(key: Uint8Array, offset: number, target: Uint8Array): void {
  const counter = Buffer.alloc(cipherBlockBytes)
  counter.writeBigUInt64BE(BigInt(offset / cipherBlockBytes), 8)
  const cipher = createCipheriv('aes-256-ctr', key, counter)
  target.set(cipher.update(new Uint8Array(target.length)))
}
