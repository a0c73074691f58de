import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { pino } from 'pino'
import { type Component, restarting, runComponents } from './supervise.ts'

const log = pino({ level: 'silent' })
const untilAborted = async (signal: AbortSignal) => {
  if (!signal.aborted) await once(signal, 'abort')
}

test('runComponents() stops the others when one fails, and names it', async () => {
  let stopped = false
  const steady: Component = {
    name: 'steady',
    async run(signal) {
      await untilAborted(signal)
      stopped = true
    },
  }
  const failing: Component = { name: 'packets', run: () => Promise.reject(new Error('port 67 is taken')) }
  await assert.rejects(
    runComponents([steady, failing], new AbortController().signal),
    /^Error: packets: port 67 is taken/,
  )
  assert.equal(stopped, true)
})

test('runComponents() ends without a failure when it is told to stop', async () => {
  const stop = new AbortController()
  const running = runComponents([{ name: 'steady', run: untilAborted }], stop.signal)
  stop.abort()
  await running
})

test('restarting() starts a part again by name once it had been ready', async () => {
  const stop = new AbortController()
  const restarts: string[] = []
  let starts = 0
  const part = restarting(
    {
      name: 'content',
      async run(signal) {
        part.ready()
        starts++
        if (starts < 3) throw new Error(`crash ${starts}`)
        stop.abort()
        await untilAborted(signal)
      },
    },
    { log, onRestart: (name, reason) => restarts.push(`${name}: ${reason}`) },
  )
  await part.run(stop.signal)
  assert.deepEqual(restarts, ['content: crash 1', 'content: crash 2'])
})

test('restarting() gives up at once on a part that never started', async () => {
  const part = restarting(
    { name: 'packets', run: () => Promise.reject(new Error('not allowed')) },
    { log, onRestart: () => assert.fail('it was restarted') },
  )
  await assert.rejects(part.run(new AbortController().signal), /not allowed/)
})
