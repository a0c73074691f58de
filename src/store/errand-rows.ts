import type { Selectable } from 'kysely'
import type { Errand, ErrandState } from '../core/errand.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

export async function insertErrand(db: StateDatabase, errand: Errand): Promise<void> {
  const { id, machineId, work, once, bootAttempts, boots, state, steps, createdAt, deadlineAt } = errand
  await db
    .insertInto('errands')
    .values({
      ...{ id, machine_id: machineId, work_json: JSON.stringify(work), once: Number(once), state },
      ...{ boot_attempts: bootAttempts, boots_json: JSON.stringify(boots), heard_at: null },
      ...{ step: null, failure: null, steps_json: JSON.stringify(steps), result_json: null },
      ...{ created_at: createdAt, deadline_at: deadlineAt, finished_at: null },
    })
    .execute()
}

export async function findErrand(db: StateDatabase, id: string): Promise<Errand | undefined> {
  const row = await db.selectFrom('errands').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Newest first. */
export async function listErrands(db: StateDatabase, machineId?: string): Promise<Errand[]> {
  let query = db.selectFrom('errands').selectAll().orderBy('created_at', 'desc').limit(1000)
  if (machineId) query = query.where('machine_id', '=', machineId)
  return (await query.execute()).map(fromRow)
}

/** Those in one of the states whose deadline has passed. */
export async function listOverdueErrands(
  db: StateDatabase,
  states: readonly ErrandState[],
  now: number,
): Promise<Errand[]> {
  const query = db.selectFrom('errands').selectAll().where('state', 'in', states).where('deadline_at', '<=', now)
  return (await query.execute()).map(fromRow)
}

export type ErrandChange = Partial<
  Pick<Errand, 'state' | 'step' | 'failure' | 'steps' | 'boots' | 'heardAt' | 'result' | 'deadlineAt' | 'finishedAt'>
>

export async function updateErrand(db: StateDatabase, id: string, change: ErrandChange): Promise<void> {
  const values = {
    ...(change.state !== undefined && { state: change.state }),
    ...(change.step !== undefined && { step: change.step }),
    ...(change.failure !== undefined && { failure: change.failure }),
    ...(change.steps !== undefined && { steps_json: JSON.stringify(change.steps) }),
    ...(change.boots !== undefined && { boots_json: JSON.stringify(change.boots) }),
    ...(change.heardAt !== undefined && { heard_at: change.heardAt }),
    ...(change.result !== undefined && { result_json: JSON.stringify(change.result) }),
    ...(change.deadlineAt !== undefined && { deadline_at: change.deadlineAt }),
    ...(change.finishedAt !== undefined && { finished_at: change.finishedAt }),
  }
  await db.updateTable('errands').set(values).where('id', '=', id).execute()
}

/** A server that was down must not count its own absence against a machine. */
export async function extendErrandDeadlines(
  db: StateDatabase,
  states: readonly ErrandState[],
  deadlineAt: number,
): Promise<void> {
  await db
    .updateTable('errands')
    .set({ deadline_at: deadlineAt })
    .where('state', 'in', states)
    .where('deadline_at', '<', deadlineAt)
    .execute()
}

/** How many characters of an errand's output are kept. */
export async function outputLength(db: StateDatabase, errandId: string): Promise<number> {
  const last = await db
    .selectFrom('errand_output')
    .selectAll()
    .where('errand_id', '=', errandId)
    .orderBy('start', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last === undefined ? 0 : last.start + last.text.length
}

export async function insertOutput(
  db: StateDatabase,
  part: { errandId: string; start: number; text: string },
): Promise<void> {
  await db
    .insertInto('errand_output')
    .values({ errand_id: part.errandId, start: part.start, text: part.text })
    .execute()
}

export async function readOutput(db: StateDatabase, errandId: string): Promise<string> {
  const query = db.selectFrom('errand_output').select('text').where('errand_id', '=', errandId).orderBy('start')
  return (await query.execute()).map(({ text }) => text).join('')
}

/** What is run again says everything again. */
export async function deleteOutput(db: StateDatabase, errandId: string): Promise<void> {
  await db.deleteFrom('errand_output').where('errand_id', '=', errandId).execute()
}

function fromRow(row: Selectable<Schema['errands']>): Errand {
  return {
    id: row.id,
    machineId: row.machine_id,
    work: JSON.parse(row.work_json) as Errand['work'],
    once: row.once === 1,
    bootAttempts: row.boot_attempts,
    boots: JSON.parse(row.boots_json) as Errand['boots'],
    ...(row.heard_at !== null && { heardAt: Number(row.heard_at) }),
    state: row.state,
    ...(row.step !== null && { step: row.step }),
    ...(row.failure !== null && { failure: row.failure }),
    steps: JSON.parse(row.steps_json) as Errand['steps'],
    ...(row.result_json !== null && { result: JSON.parse(row.result_json) as unknown }),
    createdAt: Number(row.created_at),
    deadlineAt: Number(row.deadline_at),
    ...(row.finished_at !== null && { finishedAt: Number(row.finished_at) }),
  }
}
