import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { listEvents } from '../store/event-rows.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { StateChanges } from './state-changes.ts'

async function site(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-state-'))
  const file = join(directory, 'state.sqlite')
  const state = new StateChanges(await openStateDatabase(file))
  const reader = await openStateDatabase(file)
  t.after(async () => {
    await state.db.destroy()
    await reader.destroy()
    await rm(directory, { recursive: true })
  })
  const tell = (message: string) => state.commit((change) => change.tell({ kind: 'server', message }))
  const onDisk = async () => (await listEvents(reader, {})).map(({ message }) => message)
  return { state, tell, onDisk }
}

test('commit() takes back what failed, and nothing of what was committed with it', async (t) => {
  const { state, tell, onDisk } = await site(t)
  const failing = state.commit(async (change) => {
    await change.tell({ kind: 'server', message: 'never' })
    throw new RangeError('no')
  })
  const outcomes = await Promise.allSettled([tell('one'), tell('two'), failing, tell('three')])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  assert.ok((outcomes[2] as PromiseRejectedResult).reason instanceof RangeError)
  assert.deepEqual(await onDisk(), ['one', 'two', 'three'])
})

test('commit() tells listeners, in order, only of what another reader of the disk sees', async (t) => {
  const { state, tell, onDisk } = await site(t)
  const told: string[] = []
  const seen: Promise<string[]>[] = []
  state.onEvent(({ message }) => {
    told.push(message)
    seen.push(onDisk())
  })
  const messages = Array.from({ length: 300 }, (_, index) => `event ${index}`)
  await Promise.all(messages.map(tell))
  assert.deepEqual(told, messages)
  for (const [index, lines] of (await Promise.all(seen)).entries()) assert.ok(lines.includes(messages[index]!))
})

test('commit() waits for the disk once for what is asked for together', async (t) => {
  const { state, tell } = await site(t)
  let transactions = 0
  const { transaction } = state.db
  state.db.transaction = () => {
    transactions += 1
    return transaction.call(state.db)
  }
  await Promise.all(Array.from({ length: 129 }, (_, index) => tell(`event ${index}`)))
  assert.equal(transactions, 3) // the first by itself, then 64, then 64
})
