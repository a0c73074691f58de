import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Deployment, type DeploymentState, type DeployStep, deploySteps } from '../core/deployment.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { deadlineSeconds, overdueVerdict } from './deadlines.ts'
import { newestSight, type SightKind } from './last-sight.ts'

const createdAt = Date.parse('2026-11-28T10:00:00Z')
const now = Date.parse('2026-11-28T12:00:00Z')
const overdue = (state: DeploymentState, step?: DeployStep) =>
  ({ state, createdAt, proofSeconds: 900, ...(step && { step }) }) as Deployment

type Row = [DeploymentState, DeployStep | undefined, SightKind | undefined, ended: string, means: RegExp]
const rows: Row[] = [
  ['queued', undefined, undefined, 'failed at boot', /is off, boots its disk first/],
  ['queued', undefined, 'dhcp', 'failed at boot', /another DHCP server answers too, or TFTP is filtered/],
  ['queued', undefined, 'tftp', 'failed at boot', /loader found no driver .*spanning tree.* HTTP is filtered/],
  ['queued', undefined, 'system', 'failed at boot', /installed system runs on and nobody restarted it/],
  ['booting', 'boot', 'script', 'failed at boot', /kernel found no driver for the network card/],
  ['booting', 'boot', 'dhcp', 'failed at boot', /for want of memory or by a panic, and the firmware began again/],
  ['booting', 'boot', 'system', 'failed at boot', /ramdisk has an address and does not reach the server/],
  ['booting', 'boot', 'agent', 'failed at boot', /reading one of its disks hangs/],
  ['running', 'select-disk', 'agent', 'failed at select-disk', /a disk does not answer any more/],
  ['running', 'partition', 'agent', 'failed at partition', /hangs on a discard or a new table/],
  ['running', 'make-filesystems', 'agent', 'failed at make-filesystems', /the disk hangs/],
  ['running', 'write', 'agent', 'failed at write', /lost power or network, or that the disk hangs/],
  ['running', 'write', 'tftp', 'failed at write', /restarts by itself .* does not come to its agent/],
  ['running', 'boot-loader', 'agent', 'failed at boot-loader', /grub-install, update-initramfs/],
  ['running', 'flush', 'agent', 'failed at flush', /writes very slowly or hangs/],
  ['written', 'hand-over', 'agent', 'unproved', /its restart hangs/],
  ['handed-over', 'hand-over', 'disk', 'unproved', /loader or kernel of its disk do not start/],
  ['handed-over', 'hand-over', 'system', 'unproved', /is up and its callback does not reach the server/],
  ['handed-over', 'hand-over', 'dhcp', 'unproved', /its firmware did not take the answer/],
]

for (const [state, step, kind, ended, means] of rows) {
  test(`overdueVerdict() says what it usually means: ${state}${step ? ` at ${step}` : ''}, last seen ${kind ?? 'never'}`, () => {
    const sight = kind && { kind, at: now - 16 * 60_000, words: 'what was seen' }
    const verdict = overdueVerdict(overdue(state, step), sight, now)
    assert.equal('step' in verdict ? `${verdict.state} at ${verdict.step}` : verdict.state, ended)
    const seen = kind ? /last seen 16 min before, at 2026-11-28 11:44:00 UTC, by .* \(what was seen\)/ : /never seen/
    assert.match(verdict.reason, seen)
    assert.match(verdict.reason, new RegExp(`usually means that .*${means.source}`))
  })
}

test('overdueVerdict() takes what was seen before the deployment was made for no sign of it', () => {
  const sight = { kind: 'dhcp' as const, at: createdAt - 1000, words: 'offered' }
  const { reason } = overdueVerdict(overdue('queued'), sight, now)
  assert.match(reason, /last seen 2 hours before, .* by DHCP \(offered\); usually means that it is off/)
})

test('overdueVerdict() ends what nobody decided, and tells when the machine was last seen', () => {
  const verdict = overdueVerdict(overdue('frozen'), undefined, now)
  assert.deepEqual(verdict, { state: 'cancelled', reason: 'nobody decided within 7 days, never seen' })
})

test('deadlineSeconds() is above 0 for every state that is open and every step, and 0 for what has ended', () => {
  for (const state of ['queued', 'booting', 'running', 'written', 'handed-over', 'frozen'] as const) {
    for (const step of deploySteps) assert.ok(deadlineSeconds(overdue(state, step)) >= 900, `${state} ${step}`)
  }
  for (const state of ['proved', 'unproved', 'failed', 'cancelled'] as const) {
    assert.equal(deadlineSeconds(overdue(state)), 0, state)
  }
})

const event = (kind: TimelineEvent['kind'], data?: Record<string, unknown>): TimelineEvent => ({
  ...{ sequence: 1, at: now, kind, message: 'what happened' },
  ...(data && { data }),
})

test('newestSight() tells scripts that go to the disk from others', () => {
  const kindOf = (seen: TimelineEvent) => newestSight({}, seen, undefined)?.kind
  assert.equal(kindOf(event('script', { script: 'local' })), 'disk')
  assert.equal(kindOf(event('script', { script: 'agent' })), 'script')
  assert.equal(kindOf(event('step', { step: 'write', state: 'started' })), 'agent')
})

test('newestSight() takes a later report of the agent, or a later packet, for newer than the timeline', () => {
  const script = event('script', { script: 'agent' })
  assert.deepEqual(newestSight({ step: 'write', heardAt: now + 1 }, script, now), {
    ...{ kind: 'agent', at: now + 1, words: 'write' },
  })
  assert.equal(newestSight({}, script, now + 5000)?.kind, 'script', 'noted only every ten seconds')
  assert.equal(newestSight({}, script, now + 60_000)?.kind, 'system')
  assert.equal(newestSight({}, undefined, undefined), undefined)
})
