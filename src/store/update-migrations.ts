import type { Kysely } from 'kysely'

export async function addUpdates(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('updates')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('to_reference', 'text')
    .addColumn('policy_json', 'text', (c) => c.notNull())
    .addColumn('forgiven_failures', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('update_machines')
    .addColumn('update_id', 'text', (c) => c.notNull().references('updates.id').onDelete('cascade'))
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('position', 'integer', (c) => c.notNull())
    .addColumn('image', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('rendition', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('by_way', 'text')
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addColumn('told_at', 'bigint')
    .addColumn('restarted_at', 'bigint')
    .addPrimaryKeyConstraint('update_machines_key', ['update_id', 'machine_id'])
    .execute()
  await db.schema.createIndex('update_machines_by_machine').on('update_machines').column('machine_id').execute()
  await db.schema.createIndex('update_machines_by_state').on('update_machines').column('state').execute()
}
