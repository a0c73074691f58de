import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RamdiskQueue, type RamdiskTurn } from './ramdisk-queue.ts'

const bytes = 50e6

/** Machines are numbers, and so are their addresses. */
function queue(limits?: ConstructorParameters<typeof RamdiskQueue>[0]) {
  const made = new RamdiskQueue(limits)
  const ask = (machine: number, now = 0, mayWait = true): RamdiskTurn =>
    made.ask(`m${machine}`, { address: `a${machine}`, bytes, mayWait }, now)
  const askAll = (count: number, now = 0) => Array.from({ length: count }, (_, index) => ask(index, now))
  return { made, ask, askAll }
}

test('a small site never waits', () => {
  const { askAll } = queue()
  assert.ok(askAll(16).every(({ kind }) => kind === 'now'))
})

test('ask() lets on the link what it takes in ten seconds, and tells the others their place and time', () => {
  const { askAll, made } = queue({ bytesPerSecond: 100e6 })
  const turns = askAll(100)
  assert.equal(turns.filter(({ kind }) => kind === 'now').length, 20)
  assert.deepEqual(turns[20], { kind: 'wait', place: 1, etaSeconds: 1, askAgainSeconds: 2, isNew: true })
  assert.deepEqual(turns[99], { kind: 'wait', place: 80, etaSeconds: 40, askAgainSeconds: 13, isNew: true })
  assert.deepEqual(made.status(0), { loading: 20, waiting: 80, etaSeconds: 40, bytesPerSecond: 100e6 })
})

test('a place that becomes free is for the first in line, whoever asks first', () => {
  const { ask, made } = queue({ atOnce: 1 })
  ask(0)
  assert.equal(ask(1).kind, 'wait')
  assert.equal(ask(2).kind, 'wait')
  made.transferred('a0', bytes, 1000)
  assert.equal(ask(2, 1000).kind, 'wait')
  assert.deepEqual(ask(1, 1500), { kind: 'now', waitedMs: 1500 })
})

test('a place is free when the last byte is through, or the agent is up, or nothing moved for a minute', () => {
  for (const release of [
    (made: RamdiskQueue) => {
      made.transferred('a0', bytes - 1, 500)
      made.transferred('a0', 1, 600)
    },
    (made: RamdiskQueue) => made.started('m0'),
  ]) {
    const { ask, made } = queue({ atOnce: 1 })
    ask(0)
    assert.equal(ask(1).kind, 'wait')
    release(made)
    assert.equal(ask(1, 1000).kind, 'now')
  }
  const { ask } = queue({ atOnce: 1 })
  ask(0)
  assert.equal(ask(1, 60_000).kind, 'wait')
  assert.equal(ask(1, 60_001).kind, 'now')
})

test('a machine behind a slow link keeps its place while bytes go to it', () => {
  const { ask, made } = queue({ atOnce: 1 })
  ask(0)
  for (let now = 0; now <= 600_000; now += 10_000) {
    made.transferred('a0', 0, now)
    assert.equal(ask(1, now).kind, 'wait')
  }
  made.transferred('a0', bytes, 605_000)
  assert.equal(ask(1, 606_000).kind, 'now')
})

test('a part of the bytes frees no place', () => {
  const { ask, made } = queue({ atOnce: 1 })
  ask(0)
  made.transferred('a0', bytes - 1, 500)
  assert.equal(ask(1, 1000).kind, 'wait')
})

test('who does not ask again is gone, and who does is not new', () => {
  const { ask, made } = queue({ atOnce: 1 })
  ask(0)
  ask(1)
  ask(2)
  assert.deepEqual(ask(2, 15_000), { kind: 'wait', place: 2, etaSeconds: 1, askAgainSeconds: 2, isNew: false })
  assert.equal((ask(2, 23_000) as { place: number }).place, 1)
  assert.equal(made.status(23_000).waiting, 1)
})

test('a machine that begins again while it loads does not wait, nor one whose loader cannot', () => {
  const { ask } = queue({ atOnce: 1 })
  assert.equal(ask(0).kind, 'now')
  assert.equal(ask(0, 5000).kind, 'now')
  assert.equal(ask(7, 0, false).kind, 'now')
})

test('the speed of the link is measured while machines wait for it', () => {
  const { askAll, ask, made } = queue()
  const linkBytesPerSecond = 400e6
  let [now, next] = [0, 20]
  askAll(2000)
  let loading = Array.from({ length: 20 }, (_, index) => index)
  while (next < 1000) {
    // They share the link, and so end together.
    now += (loading.length * bytes * 1000) / linkBytesPerSecond
    for (const machine of loading) made.transferred(`a${machine}`, bytes, now)
    loading = []
    for (let machine = next; machine < 2000; machine++) {
      if (ask(machine, now).kind === 'now') loading.push(machine)
    }
    next += loading.length
  }
  const { bytesPerSecond } = made.status(now)
  assert.ok(bytesPerSecond > 200e6 && bytesPerSecond < 600e6, String(bytesPerSecond))
})
