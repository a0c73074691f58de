import type { MachineConflict } from '../core/machine-identity.ts'
import type { StateDatabase } from './state-database.ts'

/** All functions here run in the transaction they are given, or alone when given the database. */

/** By the machine's id, each with the other's name; for one machine, or for all. */
export async function listConflicts(db: StateDatabase, machineId?: string): Promise<Map<string, MachineConflict[]>> {
  let query = db
    .selectFrom('machine_conflicts')
    .innerJoin('machines', 'machines.id', 'machine_conflicts.other_id')
    .select(['machine_conflicts.machine_id', 'machine_conflicts.kind', 'machines.name'])
    .orderBy('machines.name')
  if (machineId !== undefined) query = query.where('machine_conflicts.machine_id', '=', machineId)
  const conflicts = new Map<string, MachineConflict[]>()
  for (const { machine_id, kind, name } of await query.execute()) {
    conflicts.set(machine_id, [...(conflicts.get(machine_id) ?? []), { kind, machine: name }])
  }
  return conflicts
}

/** Of the two machines, for both. */
export async function insertConflict(
  db: StateDatabase,
  machineId: string,
  otherId: string,
  kind: MachineConflict['kind'],
): Promise<void> {
  await db
    .insertInto('machine_conflicts')
    .values([
      { machine_id: machineId, other_id: otherId, kind },
      { machine_id: otherId, other_id: machineId, kind },
    ])
    .onConflict((conflict) => conflict.columns(['machine_id', 'other_id']).doNothing())
    .execute()
}

/** Those that the machine is part of; gives the ids of the others. */
export async function deleteConflicts(
  db: StateDatabase,
  machineId: string,
  kinds: readonly MachineConflict['kind'][],
): Promise<string[]> {
  const deleted = await db
    .deleteFrom('machine_conflicts')
    .where('kind', 'in', kinds)
    .where((either) => either.or([either('machine_id', '=', machineId), either('other_id', '=', machineId)]))
    .returning(['machine_id', 'other_id'])
    .execute()
  return deleted.filter(({ other_id }) => other_id === machineId).map(({ machine_id }) => machine_id)
}
