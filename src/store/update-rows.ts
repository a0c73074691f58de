import type { Selectable } from 'kysely'
import { onItsWay, type Update, type UpdateHead, type UpdateMachine, type UpdatePolicy } from '../core/update.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

/** A machine that is told to run another version now, and the update that wants it. */
export type WantedVersion = { update: UpdateHead; machine: UpdateMachine }

export type UpdateChange = Partial<Pick<Update, 'state' | 'forgivenFailures'>> & { reason?: string | null }
export type UpdateMachineChange = Partial<Pick<UpdateMachine, 'by' | 'toldAt' | 'restartedAt'>> &
  Pick<UpdateMachine, 'state' | 'changedAt'> & { reason?: string | null }

export async function insertUpdate(db: StateDatabase, update: Update): Promise<void> {
  const { id, state, reason, to, policy, forgivenFailures, createdAt, machines } = update
  await db
    .insertInto('updates')
    .values({
      ...{ id, state, reason: reason ?? null, to_reference: to ?? null, policy_json: JSON.stringify(policy) },
      ...{ forgiven_failures: forgivenFailures, created_at: createdAt },
    })
    .execute()
  for (const [position, machine] of machines.entries()) {
    const { machineId, image, version, rendition, state: machineState, changedAt } = machine
    await db
      .insertInto('update_machines')
      .values({
        ...{ update_id: id, machine_id: machineId, position, image, version, rendition, state: machineState },
        ...{ reason: machine.reason ?? null, changed_at: changedAt },
      })
      .execute()
  }
}

export async function updateUpdate(db: StateDatabase, id: string, change: UpdateChange): Promise<void> {
  const { state, reason, forgivenFailures } = change
  await db
    .updateTable('updates')
    .set({
      ...(state !== undefined && { state }),
      ...(reason !== undefined && { reason }),
      ...(forgivenFailures !== undefined && { forgiven_failures: forgivenFailures }),
    })
    .where('id', '=', id)
    .execute()
}

export async function updateUpdateMachine(
  db: StateDatabase,
  { updateId, machineId }: { updateId: string; machineId: string },
  { state, changedAt, reason, by, toldAt, restartedAt }: UpdateMachineChange,
): Promise<void> {
  await db
    .updateTable('update_machines')
    .set({
      ...{ state, changed_at: changedAt },
      ...(reason !== undefined && { reason }),
      ...(by !== undefined && { by_way: by }),
      ...(toldAt !== undefined && { told_at: toldAt }),
      ...(restartedAt !== undefined && { restarted_at: restartedAt }),
    })
    .where('update_id', '=', updateId)
    .where('machine_id', '=', machineId)
    .execute()
}

export async function findUpdate(db: StateDatabase, id: string): Promise<Update | undefined> {
  const row = await db.selectFrom('updates').selectAll().where('id', '=', id).executeTakeFirst()
  return row && { ...headFromRow(row), machines: await readMachines(db, id) }
}

/** Newest first. */
export async function listUpdates(db: StateDatabase): Promise<Update[]> {
  const rows = await db.selectFrom('updates').selectAll().orderBy('created_at', 'desc').limit(1000).execute()
  const updates = []
  for (const row of rows) updates.push({ ...headFromRow(row), machines: await readMachines(db, row.id) })
  return updates
}

/** Ids of those in which something is still to happen by itself: also machines of one that was stopped may be on their way. */
export async function listOpenUpdates(db: StateDatabase): Promise<string[]> {
  const onTheWay = db.selectFrom('update_machines').select('update_id').where('state', 'in', onItsWay)
  const rows = await db
    .selectFrom('updates')
    .select('id')
    .where((where) => where.or([where('state', '=', 'running'), where('id', 'in', onTheWay)]))
    .execute()
  return rows.map(({ id }) => id)
}

/** The versions that updates which go on move machines to. */
export async function listVersionsOfUpdates(db: StateDatabase): Promise<{ id: string; version: string }[]> {
  return db
    .selectFrom('update_machines')
    .innerJoin('updates', 'updates.id', 'update_machines.update_id')
    .select(['updates.id', 'update_machines.version'])
    .distinct()
    .where('updates.state', '=', 'running')
    .execute()
}

/** Where a machine is waited for. Every machine in memory is looked for so, again and again: no other machine is read. */
export async function findMachineOnItsWay(db: StateDatabase, machineId: string): Promise<WantedVersion | undefined> {
  const row = await selectMachines(db)
    .where('machine_id', '=', machineId)
    .where('update_machines.state', 'in', onItsWay)
    .executeTakeFirst()
  const update =
    row && (await db.selectFrom('updates').selectAll().where('id', '=', row.update_id).executeTakeFirstOrThrow())
  return row && update && { update: headFromRow(update), machine: machineFromRow(row) }
}

/** The id of the update that a machine is on its way in, or waits in while that goes on. */
export async function findUpdateOfMachine(db: StateDatabase, machineId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('update_machines')
    .innerJoin('updates', 'updates.id', 'update_machines.update_id')
    .select('updates.id')
    .where('machine_id', '=', machineId)
    .where((where) =>
      where.or([
        where('update_machines.state', 'in', onItsWay),
        where.and([where('update_machines.state', '=', 'waiting'), where('updates.state', '=', 'running')]),
      ]),
    )
    .executeTakeFirst()
  return row?.id
}

async function readMachines(db: StateDatabase, updateId: string): Promise<UpdateMachine[]> {
  const rows = await selectMachines(db).where('update_id', '=', updateId).orderBy('position').execute()
  return rows.map(machineFromRow)
}

function selectMachines(db: StateDatabase) {
  return db
    .selectFrom('update_machines')
    .innerJoin('machines', 'machines.id', 'update_machines.machine_id')
    .selectAll('update_machines')
    .select('machines.name')
}

function machineFromRow(row: Selectable<Schema['update_machines']> & { name: string }): UpdateMachine {
  return {
    ...{ machineId: row.machine_id, name: row.name, image: row.image, version: row.version },
    ...{ rendition: row.rendition, state: row.state, changedAt: Number(row.changed_at) },
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.by_way !== null && { by: row.by_way }),
    ...(row.told_at !== null && { toldAt: Number(row.told_at) }),
    ...(row.restarted_at !== null && { restartedAt: Number(row.restarted_at) }),
  }
}

function headFromRow(row: Selectable<Schema['updates']>): UpdateHead {
  return {
    ...{ id: row.id, state: row.state, policy: JSON.parse(row.policy_json) as UpdatePolicy },
    ...{ forgivenFailures: row.forgiven_failures, createdAt: Number(row.created_at) },
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.to_reference !== null && { to: row.to_reference }),
  }
}
