import { macFromBytes } from '../../src/bytes/mac.ts'
import { uuidFromBytes } from '../../src/bytes/uuid.ts'
import type { Identity } from './machine-life.ts'

/** The same for who makes the machines known and for who plays them. */
export function identityOf(index: number): Identity {
  const last = [index >> 8, index]
  return {
    mac: macFromBytes(Uint8Array.of(2, 0x57, 0x07, 0, ...last)),
    uuid: uuidFromBytes(Uint8Array.of(0x57, 0x07, 0x11, ...new Array(11).fill(0x40), ...last)),
    xid: 0x57000000 + index,
  }
}
