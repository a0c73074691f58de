import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideRange, type RangeDecision } from './byte-range.ts'

const part = (start: number, end: number): RangeDecision => ({ kind: 'part', start, end })
const rows: [string | undefined, number, RangeDecision][] = [
  [undefined, 10, { kind: 'whole' }],
  ['bytes=0-3', 10, part(0, 4)],
  ['bytes=3-3', 10, part(3, 4)],
  ['bytes=4-', 10, part(4, 10)],
  ['bytes=4-99', 10, part(4, 10)],
  ['bytes=-3', 10, part(7, 10)],
  ['bytes=-99', 10, part(0, 10)],
  ['bytes = 1 - 2', 10, part(1, 3)],
  ['bytes=10-', 10, { kind: 'unsatisfiable' }],
  ['bytes=-0', 10, { kind: 'unsatisfiable' }],
  ['bytes=0-', 0, { kind: 'unsatisfiable' }],
  ['bytes=-1', 0, { kind: 'unsatisfiable' }],
  ['bytes=5-4', 10, { kind: 'whole' }],
  ['bytes=-', 10, { kind: 'whole' }],
  ['bytes=0-1,3-4', 10, { kind: 'whole' }],
  ['items=0-1', 10, { kind: 'whole' }],
  ['bytes=a-b', 10, { kind: 'whole' }],
  ['bytes=99999999999999999999-', 10, { kind: 'whole' }],
]

for (const [header, sizeBytes, expected] of rows) {
  test(`decideRange() reads ${header} of ${sizeBytes} bytes as ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(decideRange(header, sizeBytes), expected)
  })
}
