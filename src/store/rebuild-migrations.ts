import type { Kysely } from 'kysely'

export async function addRebuilds(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('rebuilds')
    .addColumn('image', 'text', (c) => c.primaryKey())
    .addColumn('source_json', 'text', (c) => c.notNull())
    .addColumn('clean_up_json', 'text', (c) => c.notNull())
    .addColumn('every', 'text', (c) => c.notNull())
    .addColumn('promotion', 'text', (c) => c.notNull())
    .addColumn('due_at', 'bigint', (c) => c.notNull())
    .addColumn('fingerprint', 'text')
    .addColumn('outcome_json', 'text')
    .execute()
}

export async function addRebuildTriggers(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('rebuilds').addColumn('updates', 'text').execute()
  await db.schema.alterTable('rebuilds').addColumn('built_on', 'text').execute()
}
