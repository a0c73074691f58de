import type { Selectable } from 'kysely'
import type { RamrootBoot } from '../core/ramroot.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

/** Kept of each machine; older ones are only in the timeline. */
const keptBoots = 200

export async function insertRamrootBoot(db: StateDatabase, boot: RamrootBoot): Promise<void> {
  const { id, machineId, image, version, rendition, state, bytesFetched, startedAt } = boot
  await db
    .insertInto('ramroot_boots')
    .values({
      ...{ id, machine_id: machineId, image, version, rendition, state, bytes_fetched: bytesFetched },
      ...{ failure: boot.failure ?? null, started_at: startedAt, ended_at: boot.endedAt ?? null },
    })
    .execute()
  const kept = db.selectFrom('ramroot_boots').select('id').where('machine_id', '=', machineId)
  const newest = (await kept.orderBy('started_at', 'desc').limit(keptBoots).execute()).map((row) => row.id)
  if (newest.length < keptBoots) return
  await db.deleteFrom('ramroot_boots').where('machine_id', '=', machineId).where('id', 'not in', newest).execute()
}

export async function updateRamrootBoot(
  db: StateDatabase,
  id: string,
  change: Partial<Pick<RamrootBoot, 'state' | 'bytesFetched' | 'failure' | 'endedAt'>>,
): Promise<void> {
  const { state, bytesFetched, failure, endedAt } = change
  await db
    .updateTable('ramroot_boots')
    .set({
      ...(state !== undefined && { state }),
      ...(bytesFetched !== undefined && { bytes_fetched: bytesFetched }),
      ...(failure !== undefined && { failure }),
      ...(endedAt !== undefined && { ended_at: endedAt }),
    })
    .where('id', '=', id)
    .execute()
}

export async function findRamrootBoot(db: StateDatabase, id: string): Promise<RamrootBoot | undefined> {
  const row = await db.selectFrom('ramroot_boots').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Of one machine, newest first; those that began at a time or later. */
export async function listRamrootBoots(db: StateDatabase, machineId: string, since = 0): Promise<RamrootBoot[]> {
  const query = db
    .selectFrom('ramroot_boots')
    .selectAll()
    .where('machine_id', '=', machineId)
    .where('started_at', '>=', since)
  return (await query.orderBy('started_at', 'desc').execute()).map(fromRow)
}

/** Those under way that began before a time; of all machines. */
export async function listOpenRamrootBoots(db: StateDatabase, before: number): Promise<RamrootBoot[]> {
  const query = db.selectFrom('ramroot_boots').selectAll().where('state', 'in', ['loading', 'starting'])
  return (await query.where('started_at', '<', before).execute()).map(fromRow)
}

/** What each machine's last boot that came up runs. */
export async function listRunningRamroots(db: StateDatabase): Promise<RamrootBoot[]> {
  const rows = await db
    .selectFrom('ramroot_boots')
    .selectAll()
    .where('state', '=', 'up')
    .orderBy('started_at')
    .execute()
  return [...new Map(rows.map((row) => [row.machine_id, fromRow(row)])).values()]
}

function fromRow(row: Selectable<Schema['ramroot_boots']>): RamrootBoot {
  return {
    ...{ id: row.id, machineId: row.machine_id, image: row.image, version: row.version, rendition: row.rendition },
    ...{ state: row.state, bytesFetched: Number(row.bytes_fetched), startedAt: Number(row.started_at) },
    ...(row.failure !== null && { failure: row.failure }),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
  }
}
