import type { StateDatabase } from './state-database.ts'

/** The last event that the receiver took; undefined for one that has never had any. */
export async function findDelivered(db: StateDatabase, url: string): Promise<number | undefined> {
  const query = db.selectFrom('webhooks').select('delivered_through').where('url', '=', url)
  const row = await query.executeTakeFirst()
  return row && Number(row.delivered_through)
}

export async function recordDelivered(db: StateDatabase, url: string, sequence: number): Promise<void> {
  await db
    .insertInto('webhooks')
    .values({ url, delivered_through: sequence })
    .onConflict((conflict) => conflict.column('url').doUpdateSet({ delivered_through: sequence }))
    .execute()
}

/** Forgets receivers that are named no more. */
export async function keepWebhooks(db: StateDatabase, urls: readonly string[]): Promise<void> {
  let query = db.deleteFrom('webhooks')
  if (urls.length > 0) query = query.where('url', 'not in', urls)
  await query.execute()
}
