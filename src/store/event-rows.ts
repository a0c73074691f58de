import type { DeploymentState } from '../core/deployment.ts'
import type { ErrandState } from '../core/errand.ts'
import type { TimelineEvent, TimelineKind } from '../core/timeline.ts'
import type { StateDatabase } from './state-database.ts'

export async function insertEvent(db: StateDatabase, event: Omit<TimelineEvent, 'sequence'>): Promise<TimelineEvent> {
  const { sequence } = await db
    .insertInto('events')
    .values({
      at: event.at,
      machine_id: event.machineId ?? null,
      deployment_id: event.deploymentId ?? null,
      errand_id: event.errandId ?? null,
      kind: event.kind,
      message: event.message,
      data_json: event.data ? JSON.stringify(event.data) : null,
    })
    .returning('sequence')
    .executeTakeFirstOrThrow()
  return { ...event, sequence: Number(sequence) }
}

export type EventQuery = {
  afterSequence?: number
  /** Up to this one, and with it. */
  throughSequence?: number
  /** Not before this time, milliseconds since the epoch. */
  since?: number
  machineId?: string
  deploymentId?: string
  errandId?: string
  kinds?: readonly TimelineKind[]
  limit?: number
}

/** Oldest first; with neither `afterSequence` nor `since` the newest `limit` (1000) of them. */
export async function listEvents(db: StateDatabase, query: EventQuery): Promise<TimelineEvent[]> {
  const { afterSequence, throughSequence, since, machineId, deploymentId, errandId, kinds, limit = 1000 } = query
  let select = db.selectFrom('events').selectAll().limit(limit)
  if (machineId !== undefined) select = select.where('machine_id', '=', machineId)
  if (deploymentId !== undefined) select = select.where('deployment_id', '=', deploymentId)
  if (errandId !== undefined) select = select.where('errand_id', '=', errandId)
  if (kinds) select = select.where('kind', 'in', kinds)
  if (since !== undefined) select = select.where('at', '>=', since)
  if (afterSequence !== undefined) select = select.where('sequence', '>', afterSequence)
  if (throughSequence !== undefined) select = select.where('sequence', '<=', throughSequence)
  const isForward = afterSequence !== undefined || since !== undefined
  const rows = await select.orderBy('sequence', isForward ? 'asc' : 'desc').execute()
  if (!isForward) rows.reverse()
  return rows.map((row) => ({
    sequence: Number(row.sequence),
    at: Number(row.at),
    ...(row.machine_id !== null && { machineId: row.machine_id }),
    ...(row.deployment_id !== null && { deploymentId: row.deployment_id }),
    ...(row.errand_id !== null && { errandId: row.errand_id }),
    kind: row.kind,
    message: row.message,
    ...(row.data_json !== null && { data: JSON.parse(row.data_json) }),
  }))
}

/** Whether an event is one of those that the query names, of whatever time. */
export function isOfQuery(event: TimelineEvent, { machineId, deploymentId, errandId, kinds }: EventQuery): boolean {
  return (
    (machineId === undefined || event.machineId === machineId) &&
    (deploymentId === undefined || event.deploymentId === deploymentId) &&
    (errandId === undefined || event.errandId === errandId) &&
    (kinds === undefined || kinds.includes(event.kind))
  )
}

/** 0 where there is none. */
export async function newestSequence(db: StateDatabase): Promise<number> {
  const row = await db.selectFrom('events').select('sequence').orderBy('sequence', 'desc').limit(1).executeTakeFirst()
  return Number(row?.sequence ?? 0)
}

/** The newest event of before that time; 0 where there is none. */
export async function lastSequenceBefore(db: StateDatabase, time: number): Promise<number> {
  const query = db.selectFrom('events').select('sequence').where('at', '<', time).orderBy('at', 'desc')
  const row = await query.orderBy('sequence', 'desc').limit(1).executeTakeFirst()
  return Number(row?.sequence ?? 0)
}

/** How many there are, counted up to `most`. */
export async function countEvents(
  db: StateDatabase,
  { afterSequence, kinds }: { afterSequence: number; kinds?: readonly TimelineKind[] },
  most: number,
): Promise<number> {
  let some = db.selectFrom('events').select('sequence').where('sequence', '>', afterSequence).limit(most)
  if (kinds) some = some.where('kind', 'in', kinds)
  const { count } = await db
    .selectFrom(some.as('some'))
    .select((select) => select.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** The next `limit` events in order of their numbers, with whether the work that they are of may still go on. */
export async function nextRemovable(
  db: StateDatabase,
  range: { afterSequence: number; throughSequence: number; limit: number },
  open: { deployments: readonly DeploymentState[]; errands: readonly ErrandState[] },
): Promise<{ sequence: number; isOfOpenWork: boolean }[]> {
  const rows = await db
    .selectFrom('events')
    .leftJoin('deployments', (join) =>
      join.onRef('deployments.id', '=', 'events.deployment_id').on('deployments.state', 'in', open.deployments),
    )
    .leftJoin('errands', (join) =>
      join.onRef('errands.id', '=', 'events.errand_id').on('errands.state', 'in', open.errands),
    )
    .select(['events.sequence', 'deployments.id as openDeployment', 'errands.id as openErrand'])
    .where('events.sequence', '>', range.afterSequence)
    .where('events.sequence', '<=', range.throughSequence)
    .orderBy('events.sequence')
    .limit(range.limit)
    .execute()
  return rows.map(({ sequence, openDeployment, openErrand }) => ({
    sequence: Number(sequence),
    isOfOpenWork: openDeployment !== null || openErrand !== null,
  }))
}

export async function deleteEvents(db: StateDatabase, sequences: readonly number[]): Promise<void> {
  await db.deleteFrom('events').where('sequence', 'in', sequences).execute()
}
