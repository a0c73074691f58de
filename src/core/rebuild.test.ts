import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everyPattern, nextTime } from './rebuild.ts'

const local = (day: number, hours: number, minutes: number) => new Date(2026, 10, day, hours, minutes).getTime()

test('nextTime() is the next such time of day, or a period later', () => {
  assert.equal(nextTime('03:17', local(28, 3, 16)), local(28, 3, 17))
  assert.equal(nextTime('03:17', local(28, 3, 17)), local(29, 3, 17))
  assert.equal(nextTime('23:59', local(30, 23, 59)), new Date(2026, 11, 1, 23, 59).getTime())
  assert.equal(nextTime('6h', local(28, 3, 0)), local(28, 9, 0))
  assert.equal(nextTime('90m', 0), 90 * 60_000)
})

test('everyPattern takes times of day and periods, and nothing else', () => {
  for (const good of ['00:00', '23:59', '5m', '6h', '2d']) assert.match(good, new RegExp(everyPattern), good)
  for (const bad of ['24:00', '3:17', '0m', '6', '* * * * *', '6 h'])
    assert.doesNotMatch(bad, new RegExp(everyPattern), bad)
})
