import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { clientAddress, isInNetworks, parseNetwork } from './networks.ts'

test('parseNetwork() takes networks and single addresses of both families, and nothing else', () => {
  assert.deepEqual(['10.0.0.0/24', '10.1.2.3', '2001:db8::/32', '::1', '0.0.0.0/0'].map(parseNetwork), [
    '10.0.0.0/24',
    '10.1.2.3/32',
    '2001:db8::/32',
    '::1/128',
    '0.0.0.0/0',
  ])
  for (const text of ['', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/', '10.0.0.0/8/8', 'anybody', '::/129', '10.0.0.0/-1'])
    assert.throws(() => parseNetwork(text), DecodeError, text)
})

test('isInNetworks() is true for an address of any of the networks, never across families', () => {
  const networks = ['10.0.0.0/24', '2001:db8::/32', '192.168.1.7/32']
  for (const inside of ['10.0.0.0', '10.0.0.255', '2001:db8::1', '192.168.1.7'])
    assert.equal(isInNetworks(inside, networks), true, inside)
  for (const outside of ['10.0.1.0', '9.255.255.255', '2001:db9::', '192.168.1.8', '', 'nonsense'])
    assert.equal(isInNetworks(outside, networks), false, outside)
  assert.equal(isInNetworks('10.0.0.1', []), false)
  assert.equal(isInNetworks('::1', ['0.0.0.0/0']), false)
  assert.equal(isInNetworks('10.0.0.1', ['::/0']), false)
})

test('clientAddress() believes X-Forwarded-For of trusted proxies alone, and of that only what they wrote', () => {
  const proxies = ['127.0.0.0/8', '10.9.0.0/16']
  assert.equal(clientAddress('10.0.0.5', '192.168.1.1', proxies), '10.0.0.5')
  assert.equal(clientAddress('::ffff:10.0.0.5', undefined, []), '10.0.0.5')
  assert.equal(clientAddress('127.0.0.1', '10.0.0.5', proxies), '10.0.0.5')
  assert.equal(clientAddress('127.0.0.1', '10.0.0.5, 10.9.1.1', proxies), '10.0.0.5')
  // A client that says it is 10.0.0.5, behind one proxy
  assert.equal(clientAddress('127.0.0.1', '10.0.0.5, 203.0.113.9', proxies), '203.0.113.9')
  assert.equal(clientAddress('127.0.0.1', undefined, proxies), '127.0.0.1')
  assert.equal(clientAddress('127.0.0.1', 'unknown', proxies), '127.0.0.1')
})
