import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RamrootBoot } from './ramroot.ts'
import {
  askLimitSeconds,
  countStates,
  judgeUpdateMachine,
  planUpdate,
  secondsDown,
  type Update,
  type UpdateMachine,
  type UpdateMachineState,
  type UpdatePolicy,
  usualUpdatePolicy,
} from './update.ts'

const now = 1_000_000

function machine(name: string, state: UpdateMachineState, more: Partial<UpdateMachine> = {}): UpdateMachine {
  const fields = { machineId: name, name, image: 'web:current', version: 'new', rendition: 'squashfs' } as const
  return { ...fields, state, changedAt: now - 1000, ...more }
}

/** `wwu`: two that wait and one that is up. */
function update(states: string, policy: Partial<UpdatePolicy> = {}, more: Partial<Update> = {}): Update {
  const words = { w: 'waiting', t: 'told', l: 'fetching', r: 'restarting', u: 'up', f: 'failed', s: 'skipped' } as const
  const machines = [...states].map((letter, index) => machine(`m${index}`, words[letter as keyof typeof words]))
  const fields = { id: 'u', state: 'running', forgivenFailures: 0, createdAt: 0 } as const
  return { ...fields, policy: { ...usualUpdatePolicy, ...policy }, machines, ...more }
}

/** What it does in short: the names that are told, or the kind. */
function step(given: Update): string {
  const planned = planUpdate(given, now)
  return planned.kind === 'tell' ? planned.machines.map(({ name }) => name).join(' ') : planned.kind
}

test('planUpdate() tells canaries first, then batches, and stops at failures', () => {
  const two = { batch: { machines: 2 } } as const
  const cases: [string, string, Partial<UpdatePolicy>, Partial<Update>?][] = [
    ['wwww', 'm0', two],
    ['twww', 'wait', two],
    ['lwww', 'wait', two],
    ['rwww', 'wait', two],
    ['uwww', 'm1 m2', two],
    ['urww', 'wait', two],
    ['uurw', 'wait', two],
    ['uuuw', 'm3', two],
    ['uuuu', 'finish', two],
    // Who was there already, or cannot be reached, is no canary
    ['swww', 'm1', two],
    ['suww', 'm2 m3', two],
    ['ssss', 'finish', two],
    ['wwww', 'm0 m1', { canaries: 2 }],
    ['uwww', 'm1', { canaries: 2 }],
    ['urww', 'wait', { canaries: 2 }],
    ['wwww', 'm0 m1', { ...two, canaries: 0 }],
    ['fwww', 'stop', { ...two, canaries: 0 }],
    ['fwww', 'stop', two],
    ['fwww', 'stop', { ...two, maximumFailures: 3 }],
    ['ufww', 'stop', two],
    ['ufww', 'm2 m3', { ...two, maximumFailures: 1 }],
    ['uffw', 'stop', { ...two, maximumFailures: 1 }],
    // The others of its batch are on their way: nothing more begins
    ['ufrw', 'stop', two],
    ['uuuf', 'stop', two],
    ['ufww', 'm2 m3', two, { forgivenFailures: 1 }],
    ['fwww', 'm1', two, { forgivenFailures: 1 }],
    ['uffw', 'stop', two, { forgivenFailures: 1 }],
    ['ufuu', 'finish', two, { forgivenFailures: 1 }],
    ['uwwwwwwwww', 'm1', { batch: { percent: 10 } }],
    ['uwwwwwwwww', 'm1 m2 m3', { batch: { percent: 35 } }],
    ['uww', 'm1', { batch: { percent: 10 } }],
    ['uww', 'm1 m2', { batch: { percent: 100 } }],
    ['uwww', 'wait', { ...two, pauseSeconds: 2 }],
    ['uwww', 'm1 m2', { ...two, pauseSeconds: 1 }],
    ['wwww', 'm0', { ...two, pauseSeconds: 60 }],
    ['swww', 'm1', { ...two, pauseSeconds: 60 }],
  ]
  for (const [states, expected, policy, more] of cases) {
    assert.equal(step(update(states, policy, more)), expected, `${states} ${JSON.stringify({ ...policy, ...more })}`)
  }
})

test('planUpdate() stops with the machine that failed last, and what it said', () => {
  const failed = update('uff', { maximumFailures: 1 })
  failed.machines[1] = machine('web-1', 'failed', { reason: 'first', changedAt: now - 5000 })
  failed.machines[2] = machine('web-2', 'failed', { reason: 'it did not come up: no root' })
  assert.deepEqual(planUpdate(failed, now), { kind: 'stop', because: 'web-2 failed: it did not come up: no root' })
})

test('judgeUpdateMachine() goes by the boots since the machine was told', () => {
  const toldAt = now - 60_000
  const boot = (state: RamrootBoot['state'], more: Partial<RamrootBoot> = {}): RamrootBoot => ({
    ...{ id: 'b', machineId: 'm', image: 'web', version: 'new', rendition: 'squashfs', state, bytesFetched: 0 },
    ...{ startedAt: toldAt + 1000, ...more },
  })
  const before = boot('up', { version: 'old', startedAt: toldAt - 1000 })
  const open = (state: UpdateMachineState, secondsAgo = 10) =>
    machine('m', state, { toldAt, changedAt: now - secondsAgo * 1000 })
  const late = usualUpdatePolicy.timeLimitSeconds + 1
  const cases: [string, UpdateMachine, RamrootBoot[], string | undefined][] = [
    ['it was told just now', open('told'), [before], undefined],
    [
      'it is off',
      open('told', askLimitSeconds + 1),
      [before],
      'skipped: it did not ask within 3 minutes: it is off, or cannot be reached',
    ],
    ['it boots by itself meanwhile', open('told', askLimitSeconds + 1), [boot('loading'), before], undefined],
    ['it fetches for long', open('fetching', askLimitSeconds + 1), [before], undefined],
    [
      'it fetches for ever',
      open('fetching', late),
      [before],
      'failed: it fetches what it was told to run, and did not restart within 15 minutes',
    ],
    ['it restarts', open('restarting'), [boot('loading'), before], undefined],
    ['it is in its early system', open('restarting'), [boot('starting'), before], undefined],
    ['it came up', open('restarting'), [boot('up'), before], 'up'],
    ['it came up before it could say that it restarts', open('told'), [boot('up'), before], 'up'],
    ['it came up, and booted once more', open('restarting'), [boot('loading'), boot('up'), before], 'up'],
    [
      'its early system failed',
      open('restarting'),
      [boot('failed', { failure: 'no root' }), before],
      'failed: it did not come up: no root',
    ],
    [
      'it panicked, and tries again',
      open('restarting'),
      [boot('loading'), boot('silent', { failure: 'it booted anew' })],
      'failed: it did not come up: it booted anew',
    ],
    [
      'it ran the version before',
      open('restarting'),
      [boot('up', { version: 'older-than-new' }), before],
      'failed: it runs older-than-n instead',
    ],
    [
      'it hangs',
      open('restarting', late),
      [boot('loading'), before],
      'failed: it did not come up within 15 minutes: nothing was heard of it',
    ],
    [
      'it hangs later',
      open('restarting', late),
      [boot('starting'), before],
      'failed: it did not come up within 15 minutes: its early system was heard, and then nothing',
    ],
    [
      'it failed and came up since',
      machine('m', 'failed', { toldAt }),
      [boot('up'), boot('silent', { failure: 'x' })],
      'up',
    ],
  ]
  for (const [what, given, boots, expected] of cases) {
    const verdict = judgeUpdateMachine(given, boots, usualUpdatePolicy, now)
    const told = verdict && (verdict.reason === undefined ? verdict.state : `${verdict.state}: ${verdict.reason}`)
    assert.equal(told, expected, what)
  }
})

test('countStates() and secondsDown() tell how far it is', () => {
  assert.equal(countStates(update('wuuwsf')), '2 waiting, 2 up, 1 failed, 1 skipped')
  assert.equal(secondsDown(machine('m', 'up', { restartedAt: now - 21_000 })), 20)
  assert.equal(secondsDown(machine('m', 'restarting', { restartedAt: now - 21_000 })), undefined)
})
