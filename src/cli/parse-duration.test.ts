import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './parse-duration.ts'

const rows = [
  ['90s', 90],
  ['30m', 1800],
  ['4h', 14_400],
  ['1d', 86_400],
  ['45', 45],
  ['0', undefined],
  ['-1m', undefined],
  ['5 minutes', undefined],
  ['', undefined],
] as const

for (const [text, seconds] of rows) {
  test(`parseDuration() of "${text}"`, () => assert.equal(parseDuration(text), seconds))
}
