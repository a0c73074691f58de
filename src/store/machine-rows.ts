import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Mac } from '../bytes/mac.ts'
import type { HandOver } from '../core/hand-over.ts'
import type { Intent, StandingIntent } from '../core/intent.ts'
import type { Labels } from '../core/labels.ts'
import { type Machine, noGroup } from '../core/machine.ts'
import type { MachineConflict } from '../core/machine-identity.ts'
import { listConflicts } from './conflict-rows.ts'
import type { Schema } from './schema.ts'
import { absorbSetup, deleteSetup } from './setup-rows.ts'
import type { StateDatabase } from './state-database.ts'

/** All of a machine but its inventory, which is kilobytes, and asked for by itself. */
const columns = [
  ...(['id', 'name', 'uuid', 'group_name', 'labels_json', 'address', 'approved', 'shares_uuid'] as const),
  ...(['intent_kind', 'intent_revision', 'deployment_id', 'errand_id', 'standing_json'] as const),
  ...(['hand_over', 'last_seen_at'] as const),
] as const
type MachineRow = Pick<Selectable<Schema['machines']>, (typeof columns)[number]>

/** All functions here run in the transaction they are given, or alone when given the database. */

export async function findMachineById(db: StateDatabase, id: string): Promise<Machine | undefined> {
  return withMacs(db, await db.selectFrom('machines').select(columns).where('id', '=', id).executeTakeFirst())
}

export async function findMachineByName(db: StateDatabase, name: string): Promise<Machine | undefined> {
  return withMacs(db, await db.selectFrom('machines').select(columns).where('name', '=', name).executeTakeFirst())
}

export async function findMachineByMac(db: StateDatabase, mac: Mac): Promise<Machine | undefined> {
  const row = await db
    .selectFrom('machine_macs')
    .innerJoin('machines', 'machines.id', 'machine_macs.machine_id')
    .select(columns)
    .where('mac', '=', mac)
    .executeTakeFirst()
  return withMacs(db, row)
}

/** The machine that an address is reserved for. */
export async function findMachineByAddress(db: StateDatabase, address: string): Promise<Machine | undefined> {
  return withMacs(db, await db.selectFrom('machines').select(columns).where('address', '=', address).executeTakeFirst())
}

/** In order of their names. */
export async function listMachines(db: StateDatabase): Promise<Machine[]> {
  const rows = await db.selectFrom('machines').select(columns).orderBy('name').execute()
  const macs = await db.selectFrom('machine_macs').selectAll().orderBy('mac').execute()
  const byMachine = Map.groupBy(macs, (row) => row.machine_id)
  const conflicts = await listConflicts(db)
  return rows.map((row) =>
    fromRow(
      row,
      (byMachine.get(row.id) ?? []).map(({ mac }) => mac as Mac),
      conflicts.get(row.id),
    ),
  )
}

/** Those with this SMBIOS UUID that nobody said to share it. */
/** By id. */
export async function machineNames(db: StateDatabase, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('machines').select(['id', 'name']).where('id', 'in', ids).execute()
  return new Map(rows.map(({ id, name }) => [id, name]))
}

export async function findMachinesByUuid(db: StateDatabase, uuid: string): Promise<Machine[]> {
  const rows = await db
    .selectFrom('machines')
    .select(columns)
    .where('uuid', '=', uuid)
    .where('shares_uuid', '=', 0)
    .execute()
  return Promise.all(rows.map(async (row) => (await withMacs(db, row))!))
}

export type NewMachine = Pick<Machine, 'name' | 'macs' | 'approved' | 'intent'> &
  Partial<
    Pick<Machine, 'address' | 'uuid' | 'group' | 'labels' | 'lastSeenAt' | 'sharesUuid' | 'handOver' | 'standing'>
  >

export async function insertMachine(db: StateDatabase, given: NewMachine, now: number): Promise<Machine> {
  const machine: Machine = {
    id: randomUUID(),
    group: noGroup,
    sharesUuid: false,
    standing: { kind: given.intent.kind === 'discover' ? 'discover' : 'local' },
    ...given,
    macs: given.macs.toSorted(),
  }
  const {
    id,
    name,
    uuid,
    group,
    address,
    approved,
    sharesUuid,
    intent,
    standing,
    handOver,
    lastSeenAt,
    macs,
    labels = {},
  } = machine
  await db
    .insertInto('machines')
    .values({
      ...{ id, name, uuid: uuid ?? null, group_name: group, address: address ?? null },
      ...{
        labels_json: JSON.stringify(labels),
        approved: Number(approved),
        shares_uuid: Number(sharesUuid),
        hand_over: handOver ?? null,
      },
      ...{ intent_kind: intent.kind, intent_revision: intent.revision, deployment_id: intent.deploymentId ?? null },
      ...{ errand_id: intent.errandId ?? null, standing_json: JSON.stringify(standing) },
      ...{ inventory_json: null, last_seen_at: lastSeenAt ?? null, created_at: now },
    })
    .execute()
  await insertMacs(db, id, macs)
  return machine
}

export type MachineChange = Partial<
  Pick<
    Machine,
    'name' | 'address' | 'uuid' | 'group' | 'labels' | 'approved' | 'lastSeenAt' | 'sharesUuid' | 'standing'
  >
> & {
  intent?: Intent
  macs?: readonly Mac[]
  inventory?: unknown
  handOver?: HandOver | null
}

export async function updateMachine(db: StateDatabase, id: string, change: MachineChange): Promise<Machine> {
  const values = {
    ...(change.name !== undefined && { name: change.name }),
    ...(change.address !== undefined && { address: change.address }),
    ...(change.uuid !== undefined && { uuid: change.uuid }),
    ...(change.group !== undefined && { group_name: change.group }),
    ...(change.labels !== undefined && { labels_json: JSON.stringify(change.labels) }),
    ...(change.approved !== undefined && { approved: Number(change.approved) }),
    ...(change.sharesUuid !== undefined && { shares_uuid: Number(change.sharesUuid) }),
    ...(change.lastSeenAt !== undefined && { last_seen_at: change.lastSeenAt }),
    ...(change.handOver !== undefined && { hand_over: change.handOver }),
    ...(change.inventory !== undefined && { inventory_json: JSON.stringify(change.inventory) }),
    ...(change.intent && {
      intent_kind: change.intent.kind,
      intent_revision: change.intent.revision,
      deployment_id: change.intent.deploymentId ?? null,
      errand_id: change.intent.errandId ?? null,
    }),
    ...(change.standing && { standing_json: JSON.stringify(change.standing) }),
  }
  if (Object.keys(values).length > 0) await db.updateTable('machines').set(values).where('id', '=', id).execute()
  if (change.macs) await replaceMacs(db, id, change.macs)
  return (await findMachineById(db, id))!
}

export async function readInventory(db: StateDatabase, id: string): Promise<unknown> {
  const row = await db.selectFrom('machines').select('inventory_json').where('id', '=', id).executeTakeFirst()
  return row?.inventory_json ? JSON.parse(row.inventory_json) : undefined
}

export async function deleteMachine(db: StateDatabase, id: string): Promise<void> {
  await deleteSetup(db, id)
  await db.deleteFrom('machines').where('id', '=', id).execute()
}

/** Two rows were one computer: all that was of the one is the other's, except what the row itself says. */
export async function absorbMachine(db: StateDatabase, absorbed: Machine, survivor: Machine): Promise<void> {
  const owner = { machine_id: survivor.id }
  for (const table of ['machine_macs', 'deployments', 'errands', 'sessions', 'used_tokens', 'events'] as const) {
    await db.updateTable(table).set(owner).where('machine_id', '=', absorbed.id).execute()
  }
  await absorbSetup(db, absorbed.id, survivor.id)
  await deleteMachine(db, absorbed.id)
}

async function replaceMacs(db: StateDatabase, machineId: string, macs: readonly Mac[]): Promise<void> {
  await db.deleteFrom('machine_macs').where('machine_id', '=', machineId).execute()
  await insertMacs(db, machineId, macs)
}

async function insertMacs(db: StateDatabase, machineId: string, macs: readonly Mac[]): Promise<void> {
  if (macs.length === 0) return
  const rows = macs.map((mac) => ({ mac, machine_id: machineId }))
  await db.insertInto('machine_macs').values(rows).execute()
}

async function withMacs(db: StateDatabase, row: MachineRow | undefined) {
  if (!row) return undefined
  const macs = await db
    .selectFrom('machine_macs')
    .select('mac')
    .where('machine_id', '=', row.id)
    .orderBy('mac')
    .execute()
  const conflicts = await listConflicts(db, row.id)
  return fromRow(
    row,
    macs.map(({ mac }) => mac as Mac),
    conflicts.get(row.id),
  )
}

function fromRow(row: MachineRow, macs: Mac[], conflicts?: MachineConflict[]): Machine {
  return {
    id: row.id,
    name: row.name,
    macs,
    ...(row.uuid !== null && { uuid: row.uuid }),
    group: row.group_name,
    ...(row.labels_json !== '{}' && { labels: JSON.parse(row.labels_json) as Labels }),
    ...(row.address !== null && { address: row.address }),
    approved: row.approved === 1,
    sharesUuid: row.shares_uuid === 1,
    ...(conflicts && { conflicts }),
    intent: {
      kind: row.intent_kind,
      revision: row.intent_revision,
      ...(row.deployment_id !== null && { deploymentId: row.deployment_id }),
      ...(row.errand_id !== null && { errandId: row.errand_id }),
    },
    standing: JSON.parse(row.standing_json) as StandingIntent,
    ...(row.hand_over !== null && { handOver: row.hand_over as HandOver }),
    ...(row.last_seen_at !== null && { lastSeenAt: Number(row.last_seen_at) }),
  }
}
