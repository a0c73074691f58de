import type { HandOverRule } from '../core/hand-over.ts'
import type { StateDatabase } from './state-database.ts'

export async function listHandOverRules(db: StateDatabase): Promise<HandOverRule[]> {
  const rows = await db.selectFrom('hand_over_rules').selectAll().orderBy('scope').orderBy('name').execute()
  return rows.map(({ scope, name, hand_over }) => ({ scope, name, handOver: hand_over }) as HandOverRule)
}

export async function putHandOverRule(db: StateDatabase, { scope, name, handOver }: HandOverRule): Promise<void> {
  const row = { scope, name, hand_over: handOver }
  const insert = db.insertInto('hand_over_rules').values(row)
  await insert.onConflict((conflict) => conflict.columns(['scope', 'name']).doUpdateSet(row)).execute()
}

/** False when there was none. */
export async function deleteHandOverRule(
  db: StateDatabase,
  { scope, name }: Pick<HandOverRule, 'scope' | 'name'>,
): Promise<boolean> {
  const query = db.deleteFrom('hand_over_rules').where('scope', '=', scope).where('name', '=', name)
  return (await query.executeTakeFirst()).numDeletedRows > 0n
}
