import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Departures } from './departures.ts'
import { Conflict } from './refusals.ts'

const machine = { id: 'm1', name: 'rack-1' }

test('request() is fulfilled by the agent that asks next, once', async () => {
  const departures = new Departures()
  const woken: string[] = []
  departures.onWanted((id) => woken.push(id))
  const told = departures.request(machine)
  assert.equal(departures.take('m2'), false)
  assert.equal(departures.take('m1'), true)
  await told
  assert.equal(departures.take('m1'), false)
  assert.deepEqual(woken, ['m1'])
})

test('request() throws Conflict when no agent asks', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const departures = new Departures()
  const told = departures.request(machine)
  t.mock.timers.tick(10_000)
  await assert.rejects(told, (error) => error instanceof Conflict && /No agent waits on rack-1/.test(error.message))
  assert.equal(departures.take('m1'), false)
})
