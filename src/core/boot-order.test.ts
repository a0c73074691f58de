import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeError } from '../bytes/decode-error.ts'
import { decodeBootOrder, describeLostOrder } from './boot-order.ts'

test('decodeBootOrder() reads numbers whose low byte is first', () => {
  assert.deepEqual(decodeBootOrder('030004000a10'), ['0003', '0004', '100A'])
  assert.deepEqual(decodeBootOrder(''), [])
  assert.throws(() => decodeBootOrder('03000'), DecodeError)
  assert.throws(() => decodeBootOrder('../x'), DecodeError)
})

test('describeLostOrder() says what is first now, and nothing where network and disk are', () => {
  assert.equal(describeLostOrder(['0003', '0004', '0000'], ['0003', '0004', '0001']), undefined)
  assert.equal(describeLostOrder(undefined, ['0000']), undefined)
  assert.match(describeLostOrder(['0003', '0004'], ['0000', '0003'])!, /: 0003 0004 was set, it has 0000 0003; /)
})
