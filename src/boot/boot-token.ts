import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Ipv4 } from '../bytes/ipv4.ts'
import { type Mac, macToBytes } from '../bytes/mac.ts'

/*
 * A boot token lets one boot attempt of one machine open one agent session. It is a pure value: nonce, expiry and
 * HMAC-SHA256 cut to 128 bits over all it is tied to. Whoever accepts one records its nonce as used.
 *
 *   base64url( nonce[12]  expiresAtSeconds u32  mac[16] )  = 43 characters
 *
 * Short, because the URL that carries it travels in the 128-byte `file` field of a DHCP reply (RFC 2131 §2).
 */

export const bootNonceBytes = 12
const expiryBytes = 4
const macBytes = 16
const tokenBytes = bootNonceBytes + expiryBytes + macBytes
const tokenForm = /^[\w-]{43}$/
const domain = 'bootwright boot token v1'

/**
 * What a token is tied to: the lease's address, the machine's MAC, and the intent it was made for. Address 0 is for
 * machines whose address another DHCP server gives: it holds wherever the machine presents it from.
 */
export type BootTokenBinding = { address: Ipv4; mac: Mac; intentRevision: number }

export type BootTokenVerdict =
  /** `nonce` is base64url text: the key under which the token's use is recorded. */
  { kind: 'valid'; nonce: string; expiresAtSeconds: number } | { kind: 'refused'; reason: string }

/** `nonce`: 12 random bytes, fresh for every token. `key`: 32 secret bytes of the server. Returns 43 characters. */
export function mintBootToken(
  key: Uint8Array,
  token: BootTokenBinding & { nonce: Uint8Array; expiresAtSeconds: number },
): string {
  if (token.nonce.length !== bootNonceBytes) {
    throw new RangeError(`Cannot mint a boot token: its nonce has ${token.nonce.length} bytes, not ${bootNonceBytes}`)
  }
  const bytes = Buffer.alloc(tokenBytes)
  bytes.set(token.nonce)
  bytes.writeUInt32BE(token.expiresAtSeconds, bootNonceBytes)
  bytes.set(authenticate(key, bytes.subarray(0, bootNonceBytes + expiryBytes), token), bootNonceBytes + expiryBytes)
  return bytes.toString('base64url')
}

/** The nonce of a token that was found valid: its first 16 characters are those 12 bytes. */
export function nonceOfBootToken(token: string): string {
  return token.slice(0, (bootNonceBytes * 4) / 3)
}

/** Any text is accepted and judged; the comparison takes the same time whatever differs. */
export function readBootToken(
  key: Uint8Array,
  token: string,
  presented: BootTokenBinding & { nowSeconds: number },
): BootTokenVerdict {
  if (!tokenForm.test(token)) return { kind: 'refused', reason: 'it is not a boot token' }
  const bytes = Buffer.from(token, 'base64url')
  const claims = bytes.subarray(0, bootNonceBytes + expiryBytes)
  // One reason for a forged token and for one of another address, machine or intent: they cannot be told apart.
  const given = bytes.subarray(claims.length)
  const anywhere = { ...presented, address: 0 as Ipv4 }
  const isTied = timingSafeEqual(authenticate(key, claims, presented), given)
  if (!timingSafeEqual(authenticate(key, claims, anywhere), given) && !isTied) {
    return { kind: 'refused', reason: 'it was not made for this address, machine and intent' }
  }
  const expiresAtSeconds = bytes.readUInt32BE(bootNonceBytes)
  if (presented.nowSeconds > expiresAtSeconds) {
    return { kind: 'refused', reason: `it expired ${presented.nowSeconds - expiresAtSeconds} s ago` }
  }
  return { kind: 'valid', nonce: bytes.toString('base64url', 0, bootNonceBytes), expiresAtSeconds }
}

/**
 * The same boot attempt, good for longer: a machine that is told to wait keeps its place with it. Only for a token that was read
 * as valid and whose nonce was not used; the nonce stays, so that both together are still used once.
 */
export function renewBootToken(
  key: Uint8Array,
  token: string,
  presented: BootTokenBinding & { expiresAtSeconds: number },
): string {
  const claims = Buffer.from(token, 'base64url').subarray(0, bootNonceBytes + expiryBytes)
  const given = Buffer.from(token, 'base64url').subarray(claims.length)
  const isTied = timingSafeEqual(authenticate(key, claims, presented), given)
  const address = isTied ? presented.address : (0 as Ipv4)
  return mintBootToken(key, { ...presented, address, nonce: claims.subarray(0, bootNonceBytes) })
}

function authenticate(key: Uint8Array, claims: Uint8Array, binding: BootTokenBinding): Uint8Array {
  const bound = Buffer.alloc(4 + 6 + 8)
  bound.writeUInt32BE(binding.address, 0)
  bound.set(macToBytes(binding.mac), 4)
  bound.writeBigUInt64BE(BigInt(binding.intentRevision), 10)
  return createHmac('sha256', key).update(domain).update(claims).update(bound).digest().subarray(0, macBytes)
}
