import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitOptions } from './fit-options.ts'
import { Option } from './option.ts'
import type { Options } from './options.ts'

const value = new Uint8Array(18)

function left(roomBytes: number, requested?: number[]): number[] {
  const options: Options = new Map([Option.messageType, 6, 12, 15, 42, 82].map((code) => [code, value]))
  fitOptions(options, roomBytes, requested && Uint8Array.from(requested))
  return [...options.keys()]
}

test('fitOptions() leaves everything where there is room', () => assert.deepEqual(left(120), [53, 6, 12, 15, 42, 82]))
test('fitOptions() leaves out the last that nobody asked for first', () => {
  assert.deepEqual(left(100, [42, 12]), [53, 6, 12, 42, 82])
  assert.deepEqual(left(80, [42, 12]), [53, 12, 42, 82])
})
test('fitOptions() then leaves out what was asked for last', () => assert.deepEqual(left(60, [42, 12]), [53, 42, 82]))
test('fitOptions() keeps what is essential', () => assert.deepEqual(left(10, [42]), [53, 82]))
