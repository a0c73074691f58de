import { randomUUID } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Mac } from '../bytes/mac.ts'
import type { Intent } from '../core/intent.ts'
import type { Machine } from '../core/machine.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

/** All functions here run in the transaction they are given, or alone when given the database. */

export async function findMachineById(db: StateDatabase, id: string): Promise<Machine | undefined> {
  return withMacs(db, await db.selectFrom('machines').selectAll().where('id', '=', id).executeTakeFirst())
}

export async function findMachineByName(db: StateDatabase, name: string): Promise<Machine | undefined> {
  return withMacs(db, await db.selectFrom('machines').selectAll().where('name', '=', name).executeTakeFirst())
}

export async function findMachineByMac(db: StateDatabase, mac: Mac): Promise<Machine | undefined> {
  const row = await db
    .selectFrom('machine_macs')
    .innerJoin('machines', 'machines.id', 'machine_macs.machine_id')
    .selectAll('machines')
    .where('mac', '=', mac)
    .executeTakeFirst()
  return withMacs(db, row)
}

/** In order of their names. */
export async function listMachines(db: StateDatabase): Promise<Machine[]> {
  const rows = await db.selectFrom('machines').selectAll().orderBy('name').execute()
  const macs = await db.selectFrom('machine_macs').selectAll().orderBy('mac').execute()
  const byMachine = Map.groupBy(macs, (row) => row.machine_id)
  return rows.map((row) =>
    fromRow(
      row,
      (byMachine.get(row.id) ?? []).map(({ mac }) => mac as Mac),
    ),
  )
}

export type NewMachine = Pick<Machine, 'name' | 'macs' | 'approved' | 'intent'> &
  Partial<Pick<Machine, 'address' | 'uuid' | 'group' | 'lastSeenAt'>>

export async function insertMachine(db: StateDatabase, machine: NewMachine, now: number): Promise<Machine> {
  const id = randomUUID()
  await db
    .insertInto('machines')
    .values({
      id,
      name: machine.name,
      uuid: machine.uuid ?? null,
      group_name: machine.group ?? 'default',
      address: machine.address ?? null,
      approved: Number(machine.approved),
      intent_kind: machine.intent.kind,
      intent_revision: machine.intent.revision,
      deployment_id: machine.intent.deploymentId ?? null,
      inventory_json: null,
      last_seen_at: machine.lastSeenAt ?? null,
      created_at: now,
    })
    .execute()
  await replaceMacs(db, id, machine.macs)
  return (await findMachineById(db, id))!
}

export type MachineChange = Partial<
  Pick<Machine, 'name' | 'address' | 'uuid' | 'group' | 'approved' | 'lastSeenAt'>
> & {
  intent?: Intent
  macs?: readonly Mac[]
  inventory?: unknown
}

export async function updateMachine(db: StateDatabase, id: string, change: MachineChange): Promise<Machine> {
  const values = {
    ...(change.name !== undefined && { name: change.name }),
    ...(change.address !== undefined && { address: change.address }),
    ...(change.uuid !== undefined && { uuid: change.uuid }),
    ...(change.group !== undefined && { group_name: change.group }),
    ...(change.approved !== undefined && { approved: Number(change.approved) }),
    ...(change.lastSeenAt !== undefined && { last_seen_at: change.lastSeenAt }),
    ...(change.inventory !== undefined && { inventory_json: JSON.stringify(change.inventory) }),
    ...(change.intent && {
      intent_kind: change.intent.kind,
      intent_revision: change.intent.revision,
      deployment_id: change.intent.deploymentId ?? null,
    }),
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
  await db.deleteFrom('machines').where('id', '=', id).execute()
}

async function replaceMacs(db: StateDatabase, machineId: string, macs: readonly Mac[]): Promise<void> {
  await db.deleteFrom('machine_macs').where('machine_id', '=', machineId).execute()
  if (macs.length > 0) {
    await db
      .insertInto('machine_macs')
      .values(macs.map((mac) => ({ mac, machine_id: machineId })))
      .execute()
  }
}

async function withMacs(db: StateDatabase, row: Selectable<Schema['machines']> | undefined) {
  if (!row) return undefined
  const macs = await db
    .selectFrom('machine_macs')
    .select('mac')
    .where('machine_id', '=', row.id)
    .orderBy('mac')
    .execute()
  return fromRow(
    row,
    macs.map(({ mac }) => mac as Mac),
  )
}

function fromRow(row: Selectable<Schema['machines']>, macs: Mac[]): Machine {
  return {
    id: row.id,
    name: row.name,
    macs,
    ...(row.uuid !== null && { uuid: row.uuid }),
    group: row.group_name,
    ...(row.address !== null && { address: row.address }),
    approved: row.approved === 1,
    intent: {
      kind: row.intent_kind,
      revision: row.intent_revision,
      ...(row.deployment_id !== null && { deploymentId: row.deployment_id }),
    },
    ...(row.last_seen_at !== null && { lastSeenAt: Number(row.last_seen_at) }),
  }
}
