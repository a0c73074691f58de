import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpv4 } from '../bytes/ipv4.ts'
import { parseMac } from '../bytes/mac.ts'
import { mintBootToken, readBootToken, renewBootToken } from './boot-token.ts'

const key = Buffer.alloc(32, 7)
const binding = { address: parseIpv4('10.0.0.5'), mac: parseMac('52:54:00:12:34:56'), intentRevision: 3 }
const nonce = Buffer.from('000102030405060708090a0b', 'hex')
const token = mintBootToken(key, { ...binding, nonce, expiresAtSeconds: 1_900_000_000 })
const presented = { ...binding, nowSeconds: 1_899_999_999 }

test('mintBootToken() makes text whose longest URL fits the 128-byte file field with its NUL', () => {
  assert.equal(token.length, 43)
  const url = `http://255.255.255.255:65535/boot.ipxe?mac=52-54-00-12-34-56&token=${token}`
  assert.ok(url.length < 128, `${url.length} characters`)
})

test('readBootToken() accepts a token for what it was minted for, and gives its nonce', () => {
  assert.deepEqual(readBootToken(key, token, presented), {
    kind: 'valid',
    nonce: nonce.toString('base64url'),
    expiresAtSeconds: 1_900_000_000,
  })
})

test('readBootToken() accepts a token in its last second and refuses it after', () => {
  assert.equal(readBootToken(key, token, { ...presented, nowSeconds: 1_900_000_000 }).kind, 'valid')
  const late = readBootToken(key, token, { ...presented, nowSeconds: 1_900_000_010 })
  assert.deepEqual(late, { kind: 'refused', reason: 'it expired 10 s ago' })
})

for (const [what, change] of [
  ['address', { address: parseIpv4('10.0.0.6') }],
  ['MAC', { mac: parseMac('52:54:00:12:34:57') }],
  ['intent revision', { intentRevision: 4 }],
] as const) {
  test(`readBootToken() refuses a token of another ${what}`, () => {
    assert.equal(readBootToken(key, token, { ...presented, ...change }).kind, 'refused')
  })
}

test('renewBootToken() makes the same attempt good for longer, with the same nonce', () => {
  const renewed = renewBootToken(key, token, { ...binding, expiresAtSeconds: 1_900_000_500 })
  const verdict = { kind: 'valid', nonce: nonce.toString('base64url'), expiresAtSeconds: 1_900_000_500 }
  assert.deepEqual(readBootToken(key, renewed, { ...presented, nowSeconds: 1_900_000_400 }), verdict)
  assert.equal(readBootToken(key, renewed, { ...presented, address: parseIpv4('10.0.0.6') }).kind, 'refused')
})

test('renewBootToken() leaves a token that holds from everywhere as it is', () => {
  const anywhere = mintBootToken(key, {
    ...binding,
    address: parseIpv4('0.0.0.0'),
    nonce,
    expiresAtSeconds: 1_900_000_000,
  })
  const renewed = renewBootToken(key, anywhere, { ...binding, expiresAtSeconds: 1_900_000_500 })
  assert.equal(readBootToken(key, renewed, { ...presented, address: parseIpv4('10.0.0.6') }).kind, 'valid')
})

test('readBootToken() refuses a token by another key', () => {
  assert.equal(readBootToken(Buffer.alloc(32, 8), token, presented).kind, 'refused')
})

test('readBootToken() refuses a token with any one bit changed', () => {
  const bytes = Buffer.from(token, 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(readBootToken(key, changed.toString('base64url'), presented).kind, 'refused', `bit ${bit}`)
  }
})

test('readBootToken() refuses text that is no token', () => {
  for (const text of ['', 'x', `${token}A`, token.slice(1), `${token.slice(1)}\n`, '='.repeat(43)]) {
    assert.deepEqual(readBootToken(key, text, presented), { kind: 'refused', reason: 'it is not a boot token' })
  }
})

test('mintBootToken() refuses a nonce of another length', () => {
  assert.throws(() => mintBootToken(key, { ...binding, nonce: Buffer.alloc(8), expiresAtSeconds: 1 }), RangeError)
})

test('readBootToken() accepts a token for address 0 from any address, and for no other machine', () => {
  const binding = { address: parseIpv4('0.0.0.0'), mac: parseMac('52:54:00:00:00:01'), intentRevision: 3 }
  const anyKey = new Uint8Array(32).fill(5)
  const token = mintBootToken(anyKey, { ...binding, nonce: new Uint8Array(12), expiresAtSeconds: 100 })
  const presented = { ...binding, address: parseIpv4('10.0.0.9'), nowSeconds: 50 }
  assert.equal(readBootToken(anyKey, token, presented).kind, 'valid')
  const another = { ...presented, mac: parseMac('52:54:00:00:00:02') }
  assert.equal(readBootToken(anyKey, token, another).kind, 'refused')
})
