import type { TimelineKind } from '../core/timeline.ts'
import type { StateDatabase } from './state-database.ts'

/** One that was named by the API. */
export type WebhookReceiver = { url: string; kinds?: readonly TimelineKind[]; secret?: string }

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

export async function listReceivers(db: StateDatabase): Promise<WebhookReceiver[]> {
  const rows = await db.selectFrom('webhook_receivers').selectAll().orderBy('url').execute()
  return rows.map(({ url, kinds_json, secret }) => ({
    url,
    ...(kinds_json !== null && { kinds: JSON.parse(kinds_json) as TimelineKind[] }),
    ...(secret !== null && { secret }),
  }))
}

export async function insertReceiver(db: StateDatabase, { url, kinds, secret }: WebhookReceiver): Promise<void> {
  const row = { url, kinds_json: kinds ? JSON.stringify(kinds) : null, secret: secret ?? null }
  await db.insertInto('webhook_receivers').values(row).execute()
}

/** With its place in the timeline. */
export async function deleteReceiver(db: StateDatabase, url: string): Promise<void> {
  await db.deleteFrom('webhook_receivers').where('url', '=', url).execute()
  await db.deleteFrom('webhooks').where('url', '=', url).execute()
}
