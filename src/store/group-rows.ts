import type { GroupDefaults } from '../core/group-defaults.ts'
import type { StateDatabase } from './state-database.ts'

export async function listGroupDefaults(db: StateDatabase): Promise<GroupDefaults[]> {
  const rows = await db.selectFrom('group_defaults').selectAll().orderBy('name').execute()
  return rows.map(({ name, on_approval_json }) => ({ name, onApproval: JSON.parse(on_approval_json) }))
}

export async function putGroupDefaults(db: StateDatabase, { name, onApproval }: GroupDefaults): Promise<void> {
  const row = { name, on_approval_json: JSON.stringify(onApproval) }
  const insert = db.insertInto('group_defaults').values(row)
  await insert.onConflict((conflict) => conflict.column('name').doUpdateSet(row)).execute()
}

/** False when there were none. */
export async function deleteGroupDefaults(db: StateDatabase, name: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('group_defaults').where('name', '=', name).executeTakeFirst()
  return numDeletedRows > 0n
}
