import type { TimelineEvent } from '../core/timeline.ts'
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
  machineId?: string
  deploymentId?: string
  errandId?: string
  limit?: number
}

/** Oldest first; with no `afterSequence` the newest `limit` (1000) of them. */
export async function listEvents(db: StateDatabase, query: EventQuery): Promise<TimelineEvent[]> {
  let select = db
    .selectFrom('events')
    .selectAll()
    .limit(query.limit ?? 1000)
  if (query.machineId) select = select.where('machine_id', '=', query.machineId)
  if (query.deploymentId) select = select.where('deployment_id', '=', query.deploymentId)
  if (query.errandId) select = select.where('errand_id', '=', query.errandId)
  const forward = query.afterSequence !== undefined
  if (forward) select = select.where('sequence', '>', query.afterSequence!)
  const rows = await select.orderBy('sequence', forward ? 'asc' : 'desc').execute()
  if (!forward) rows.reverse()
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
