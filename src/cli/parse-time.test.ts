import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTime } from './parse-time.ts'

const now = new Date(2026, 10, 28, 21, 30).getTime()
const local = (day: number, hours: number, minutes: number) => new Date(2026, 10, day, hours, minutes).getTime()

test('parseTime() takes a time from now, the next time of day, and a date', () => {
  assert.equal(parseTime('+90s', now), now + 90_000)
  assert.equal(parseTime('+2d', now), now + 2 * 86_400_000)
  assert.equal(parseTime('22:15', now), local(28, 22, 15))
  assert.equal(parseTime('21:30', now), local(29, 21, 30))
  assert.equal(parseTime('2026-12-01T02:00', now), new Date(2026, 11, 1, 2).getTime())
  assert.equal(parseTime('2026-11-29 02:00:00Z', now), Date.UTC(2026, 10, 29, 2))
})

test('parseTime() refuses what is no time, and what has passed', () => {
  for (const text of ['', '+2', '25:00', 'tomorrow', '2026-11-29', '2026-13-01T02:00']) {
    assert.throws(() => parseTime(text, now), /say \+2h, 22:30/, text)
  }
  assert.throws(() => parseTime('2026-11-28T21:00', now), /has passed/)
})
