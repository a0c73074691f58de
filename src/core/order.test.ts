import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { type Order, OrderRefused, openOrder, signOrder } from './order.ts'
import { decodeSealingKey, encodePublicKey, seal, unseal } from './seal.ts'

const order: Order = { kind: 'wait', agentNonce: 'n'.repeat(16) }

test('openOrder() returns what signOrder() signed', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  assert.deepEqual(openOrder(signOrder(order, privateKey), publicKey, order.agentNonce), order)
})

test('openOrder() refuses another key, changed text and another boot', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const signed = signOrder(order, privateKey)
  const other = generateKeyPairSync('ed25519').publicKey
  assert.throws(() => openOrder(signed, other, order.agentNonce), OrderRefused)
  assert.throws(() => openOrder({ ...signed, order: `${signed.order} ` }, publicKey, order.agentNonce), OrderRefused)
  assert.throws(() => openOrder(signed, publicKey, 'another boot'), OrderRefused)
})

test('unseal() opens for the recipient and nobody else', () => {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const sealed = seal(Buffer.from('secret'), decodeSealingKey(encodePublicKey(publicKey)))
  assert.equal(Buffer.from(unseal(sealed, privateKey)).toString(), 'secret')
  assert.throws(() => unseal(sealed, generateKeyPairSync('x25519').privateKey), DecodeError)
  const [from, body] = sealed.split('.') as [string, string]
  const bytes = Buffer.from(body, 'base64')
  bytes[0]! ^= 1
  assert.throws(() => unseal(`${from}.${bytes.toString('base64')}`, privateKey), DecodeError)
})

test('decodeSealingKey() refuses what is not an X25519 key', () => {
  assert.throws(() => decodeSealingKey('AAAA'), DecodeError)
  assert.throws(() => decodeSealingKey(encodePublicKey(generateKeyPairSync('ed25519').publicKey)), DecodeError)
})
