import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DhcpEvent } from './dhcp-event.ts'
import { EventLimiter } from './event-limiter.ts'

test('mayTell() lets a burst through, counts what comes after it, and tells the count', () => {
  const told: DhcpEvent[] = []
  const limiter = new EventLimiter((event) => told.push(event), 10_000)
  let passed = 0
  for (let packet = 0; packet < 10_000; packet++) passed += Number(limiter.mayTell(false, 10_000))
  assert.equal(passed, 200)
  assert.ok(limiter.mayTell(false, 16_000))
  const untold = told.map((event) => (event.kind === 'untold' ? event.count : 0))
  assert.equal(
    untold.reduce((sum, count) => sum + count, 0),
    9800,
  )
})

test('mayTell() lets boots through beside a flood of other packets', () => {
  const limiter = new EventLimiter(() => {}, 0)
  let boots = 0
  for (let packet = 0; packet < 5000; packet++) {
    limiter.mayTell(false, 0)
    if (packet < 3000) boots += Number(limiter.mayTell(true, 0))
  }
  assert.equal(boots, 3000)
})
