import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Errand, type ErrandStep, type ErrandWork, errandSteps } from '../core/errand.ts'
import { errandDeadlineSeconds, overdueErrandVerdict } from './errand-deadlines.ts'
import type { SightKind } from './last-sight.ts'

const createdAt = Date.parse('2026-11-28T10:00:00Z')
const now = Date.parse('2026-11-28T12:00:00Z')
const works: Record<ErrandWork['kind'], ErrandWork> = {
  wipe: { kind: 'wipe', disks: 'all', method: 'auto' },
  run: { kind: 'run', name: 'x', arguments: [], timeoutSeconds: 60, afterwards: 'stay' },
  rescue: { kind: 'rescue', sshKeys: [] },
  kernel: { kind: 'kernel', boot: { kernel: 'vmlinuz' }, timeoutSeconds: 600 },
}
const overdue = (kind: ErrandWork['kind'], state: Errand['state'], step?: ErrandStep) =>
  ({ work: works[kind], once: true, state, createdAt, ...(step && { step }) }) as Errand

type Row = [ErrandWork['kind'], Errand['state'], ErrandStep | undefined, SightKind | undefined, ended: string, RegExp]
const rows: Row[] = [
  ['wipe', 'queued', undefined, undefined, 'failed at boot', /is off, boots its disk first/],
  ['run', 'queued', undefined, 'system', 'failed at boot', /installed system runs on and nobody restarted it/],
  ['rescue', 'booting', 'boot', 'script', 'failed at boot', /kernel found no driver for the network card/],
  ['kernel', 'booting', 'boot-kernel', 'script', 'failed at boot-kernel', /the kernel, or what it runs, has stopped/],
  ['kernel', 'booting', 'boot-kernel', 'dhcp', 'failed at boot-kernel', /panic, and the firmware began again/],
  ['kernel', 'booting', 'boot-kernel', 'system', 'failed at boot-kernel', /its system is up, .* the URL/],
  ['wipe', 'running', 'erase', 'agent', 'failed at erase', /lost power or network .*erases itself goes on/],
  ['wipe', 'running', 'verify', 'tftp', 'failed at verify', /restarts by itself .* does not come to its agent/],
  ['run', 'running', 'run-script', 'agent', 'failed at run-script', /the script restarted the machine/],
  ['rescue', 'running', 'assemble', 'agent', 'failed at assemble', /one of its disks hangs/],
]

for (const [kind, state, step, seenBy, ended, means] of rows) {
  test(`overdueErrandVerdict() says what it usually means: ${kind} ${state}, last seen ${seenBy ?? 'never'}`, () => {
    const sight = seenBy && { kind: seenBy, at: now - 16 * 60_000, words: 'what was seen' }
    const verdict = overdueErrandVerdict(overdue(kind, state, step), sight, now)
    assert.ok('step' in verdict)
    assert.equal(`${verdict.state} at ${verdict.step}`, ended)
    const seen = seenBy ? /last seen 16 min before, at 2026-11-28 11:44:00 UTC, by .* \(what was seen\)/ : /never seen/
    assert.match(verdict.reason, seen)
    assert.match(verdict.reason, new RegExp(`usually means that .*${means.source}`))
  })
}

test('overdueErrandVerdict() leaves what is done at every boot waiting, and ends what nobody decided', () => {
  assert.deepEqual(overdueErrandVerdict({ ...overdue('run', 'queued'), once: false }, undefined, now), {
    state: 'queued',
  })
  const frozen = overdueErrandVerdict(overdue('wipe', 'frozen'), undefined, now)
  assert.deepEqual(frozen, { state: 'cancelled', reason: 'nobody decided within 7 days, never seen' })
})

test('errandDeadlineSeconds() is above 0 for every state that is open and every step, and 0 for what has ended', () => {
  for (const [kind, steps] of Object.entries(errandSteps) as [ErrandWork['kind'], readonly ErrandStep[]][]) {
    for (const state of ['queued', 'booting', 'running', 'frozen'] as const) {
      for (const step of steps) assert.ok(errandDeadlineSeconds(overdue(kind, state, step)) >= 600, `${kind} ${state}`)
    }
    for (const state of ['done', 'failed', 'cancelled'] as const) {
      assert.equal(errandDeadlineSeconds(overdue(kind, state)), 0)
    }
  }
})
