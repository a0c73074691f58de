import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import type { RamrootChoice } from '../core/intent.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { askLimitSeconds, type UpdatePolicy, usualUpdatePolicy } from '../core/update.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Machines } from './machines.ts'
import { Ramroots } from './ramroots.ts'
import { Conflict } from './refusals.ts'
import { StateChanges } from './state-changes.ts'
import { Updates } from './updates.ts'

const boot: RamrootChoice = { image: 'web', rendition: 'squashfs' }

/** Machines web-1 to web-4, which run the version `old` from memory. */
async function site(t: TestContext) {
  const clock = { nowMs: 1_800_000_000_000 }
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => clock.nowMs)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const machines = new Machines(state)
  const ramroots = new Ramroots(state, Buffer.alloc(32, 1))
  const updates = new Updates(state, ramroots)
  const named = new Map<string, string>()
  for (const number of [1, 2, 3, 4]) {
    const name = `web-${number}`
    const macs = [parseMac(`52:54:00:00:00:0${number}`)]
    named.set(name, (await machines.set(name, { macs, intent: { kind: 'ramroot', boot } })).id)
  }
  const comeUp = async (name: string, version: string) => {
    clock.nowMs += 1000
    const begun = await ramroots.begin(await machines.get(name), boot, { version })
    clock.nowMs += 20_000
    await ramroots.cameUp(ramroots.callToken(begun), '10.0.0.9')
  }
  for (const name of named.keys()) await comeUp(name, 'old')
  const create = (policy: Partial<UpdatePolicy> = {}, to?: string) =>
    updates.create({
      policy: { ...usualUpdatePolicy, batch: { machines: 2 }, ...policy },
      ...(to !== undefined && { to }),
      machines: [...named].map(([name, machineId]) => ({
        ...{ machineId, name, image: to ?? 'web', version: 'new', rendition: 'squashfs' },
      })),
    })
  const restart = async (name: string) => {
    const wanted = (await updates.wanted(named.get(name)!))!
    await updates.asked(wanted)
    await updates.restarting(wanted, boot, 'kexec', '')
  }
  const states = async (id: string) =>
    (await new Updates(state, ramroots).get(id)).machines.map((machine) => machine.state).join(' ')
  return { clock, state, events, machines, ramroots, updates, create, comeUp, restart, states }
}

test('Updates moves the canary, then batches, and is done; a service that restarts goes on where it was', async (t) => {
  const { updates, state, ramroots, create, comeUp, restart, states } = await site(t)
  const { id } = await create()
  await updates.advance()
  assert.equal(await states(id), 'told waiting waiting waiting')
  await restart('web-1')
  assert.equal(await states(id), 'restarting waiting waiting waiting')
  await comeUp('web-1', 'new')
  await new Updates(state, ramroots).advance()
  assert.equal(await states(id), 'up told told waiting')
  for (const name of ['web-2', 'web-3']) {
    await restart(name)
    await comeUp(name, 'new')
  }
  await updates.advance()
  assert.equal(await states(id), 'up up up told')
  await restart('web-4')
  await comeUp('web-4', 'new')
  await updates.advance()
  await updates.advance()
  assert.equal((await updates.get(id)).state, 'done')
})

test('Updates stops at a machine that fails, tells why, and goes on with the others when it is told to', async (t) => {
  const { updates, events, ramroots, machines, create, comeUp, restart, states } = await site(t)
  const { id } = await create()
  await updates.advance()
  await restart('web-1')
  const started = await ramroots.current((await machines.get('web-1')).id)
  await ramroots.report(started, { step: 'failed', detail: 'no root', bytes: 0 })
  await updates.advance()
  const stopped = await updates.get(id)
  assert.deepEqual([stopped.state, stopped.reason], ['stopped', 'web-1 failed: it did not come up: no root'])
  assert.equal(await states(id), 'failed waiting waiting waiting')
  assert.match(events.at(-1)!.message, /stopped: web-1 failed: it did not come up: no root \(3 waiting, 1 failed\)/)
  await updates.advance()
  assert.equal(await states(id), 'failed waiting waiting waiting', 'nothing more happens by itself')
  await updates.continue(id)
  await updates.advance()
  assert.equal(await states(id), 'failed told waiting waiting', 'the next canary')
  await updates.stop(id)
  await comeUp('web-1', 'new')
  await updates.continue(id)
  await updates.advance()
  assert.equal(await states(id), 'up told told waiting', 'who came up late after all is counted')
})

test('Updates.stop() takes back what was told, and lets those on their way come up', async (t) => {
  const { updates, machines, create, comeUp, restart, states } = await site(t)
  const { id } = await create({ canaries: 0 })
  await updates.advance()
  await restart('web-1')
  assert.equal(await states(id), 'restarting told waiting waiting')
  await updates.stop(id)
  assert.equal(await states(id), 'restarting waiting waiting waiting')
  assert.equal(await updates.wanted((await machines.get('web-2')).id), undefined)
  await comeUp('web-1', 'new')
  await updates.advance()
  assert.equal(await states(id), 'up waiting waiting waiting')
  await assert.rejects(updates.stop(id), Conflict)
})

test('Updates has a machine that came up follow the reference it was moved to, and one that failed keep its own', async (t) => {
  const { updates, machines, create, comeUp, restart } = await site(t)
  await create({}, 'web:next')
  await updates.advance()
  await restart('web-1')
  await comeUp('web-1', 'new')
  await updates.advance()
  const [first, second] = [await machines.get('web-1'), await machines.get('web-2')]
  assert.deepEqual(first.standing, { kind: 'ramroot', boot: { ...boot, image: 'web:next' } })
  assert.deepEqual(second.standing, { kind: 'ramroot', boot })
})

test('Updates skips who does not ask, and refuses a machine that another update has', async (t) => {
  const { updates, clock, create, states } = await site(t)
  const { id } = await create()
  await updates.advance()
  await assert.rejects(create(), /web-1 is in the update .*; 'bootwright update stop .*' ends that/)
  clock.nowMs += (askLimitSeconds + 1) * 1000
  await updates.advance()
  assert.equal(await states(id), 'skipped told waiting waiting')
  await updates.stop(id)
  const other = await create()
  assert.equal(other.state, 'running')
  await assert.rejects(updates.continue(id), /is in the update/)
})

test('Updates holds the versions of updates that go on, each once', async (t) => {
  const { updates, create } = await site(t)
  assert.deepEqual(await updates.versionsInUse(), [])
  const { id } = await create()
  assert.deepEqual(await updates.versionsInUse(), [{ version: 'new', why: `the update ${id} moves machines to it` }])
  await updates.stop(id)
  assert.deepEqual(await updates.versionsInUse(), [])
})
