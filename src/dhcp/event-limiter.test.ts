import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DhcpEvent } from './dhcp-event.ts'
import { EventLimiter } from './event-limiter.ts'

const malformed: DhcpEvent = { kind: 'malformed', reason: 'short', source: '10.0.0.9' }
const other: DhcpEvent = { kind: 'other-server', interface: 'eth1', server: '10.0.0.9', how: 'it answers' }

test('EventLimiter lets a burst through, counts what comes after it, and tells the count', () => {
  const told: DhcpEvent[] = []
  const limiter = new EventLimiter((event) => told.push(event), 10_000)
  for (let packet = 0; packet < 10_000; packet++) limiter.put(malformed, 10_000)
  assert.equal(told.filter(({ kind }) => kind === 'malformed').length, 4000)
  limiter.put(malformed, 16_000)
  const untold = told.filter((event) => event.kind === 'untold').reduce((sum, { count }) => sum + count, 0)
  assert.equal(untold, 6000)
})

test('EventLimiter lets other servers through, however many packets there are', () => {
  const told: DhcpEvent[] = []
  const limiter = new EventLimiter((event) => told.push(event), 0)
  for (let packet = 0; packet < 5000; packet++) limiter.put(malformed, 0)
  limiter.put(other, 0)
  assert.equal(told.at(-1)?.kind, 'other-server')
})
