import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { addRebuilds, addRebuildTriggers } from './rebuild-migrations.ts'
import { addUpdates } from './update-migrations.ts'

/** In order of their names; a migration that has shipped is never edited. */
export const migrations: Record<string, Migration> = {
  '0001-machines': { up: createMachines },
  '0002-deployments': { up: createDeployments },
  '0003-sessions': { up: createSessions },
  '0004-events': { up: createEvents },
  '0005-deployment-rendition': { up: addDeploymentRendition },
  '0006-deployment-bytes-reused': { up: addDeploymentBytesReused },
  '0007-deployment-layout': { up: addDeploymentLayout },
  '0008-deployment-rollback': { up: addDeploymentRollback },
  '0009-deployment-handed-over': { up: addDeploymentHandedOver },
  '0010-deployment-verify': { up: addDeploymentVerify },
  '0011-machine-conflicts': { up: addMachineConflicts },
  '0012-hand-over': { up: addHandOver },
  '0013-deployment-boot-order': { up: addDeploymentBootOrder },
  '0014-errands': { up: addErrands },
  '0015-scheduled-orders': { up: addScheduledOrders },
  '0016-machine-labels': { up: addMachineLabels },
  '0017-expected-machines': { up: addExpectedMachines },
  '0018-setups': { up: createSetups },
  '0019-webhooks': { up: addWebhooks },
  '0020-deployment-attempts': { up: addDeploymentAttempts },
  '0022-deployment-session-only': { up: addDeploymentSessionOnly },
  '0023-ramroot-boots': { up: addRamrootBoots },
  '0025-rebuilds': { up: addRebuilds },
  '0026-updates': { up: addUpdates },
  '0027-rebuild-triggers': { up: addRebuildTriggers },
  '0028-errand-attempts': { up: addErrandAttempts },
  '0029-webhook-receivers': { up: addWebhookReceivers },
}

async function createMachines(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('machines')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('uuid', 'text')
    .addColumn('group_name', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.unique())
    .addColumn('approved', 'integer', (c) => c.notNull())
    .addColumn('intent_kind', 'text', (c) => c.notNull())
    .addColumn('intent_revision', 'integer', (c) => c.notNull())
    .addColumn('deployment_id', 'text')
    .addColumn('inventory_json', 'text')
    .addColumn('last_seen_at', 'bigint')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('machine_macs')
    .addColumn('mac', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .execute()
  await db.schema.createIndex('machine_macs_by_machine').on('machine_macs').column('machine_id').execute()
}

async function createDeployments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('deployments')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('image', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('disk_rule_json', 'text', (c) => c.notNull())
    .addColumn('layout', 'text', (c) => c.notNull())
    .addColumn('filesystem', 'text', (c) => c.notNull())
    .addColumn('hand_over', 'text', (c) => c.notNull())
    .addColumn('kernel_arguments_json', 'text', (c) => c.notNull())
    .addColumn('proof_seconds', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('step', 'text')
    .addColumn('failure', 'text')
    .addColumn('bytes_fetched', 'bigint', (c) => c.notNull())
    .addColumn('bytes_written', 'bigint', (c) => c.notNull())
    .addColumn('steps_json', 'text', (c) => c.notNull())
    .addColumn('ssh_host_keys_json', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('deadline_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('deployments_by_machine')
    .on('deployments')
    .columns(['machine_id', 'created_at'])
    .execute()
  await db.schema.createIndex('deployments_by_state').on('deployments').columns(['state', 'deadline_at']).execute()
}

async function createSessions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sessions')
    .addColumn('bearer_hash', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('token_nonce', 'text')
    .addColumn('deployment_id', 'text')
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('agent_nonce', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('sessions_by_machine').on('sessions').column('machine_id').execute()
  await db.schema
    .createTable('used_tokens')
    .addColumn('nonce', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('used_at', 'bigint', (c) => c.notNull())
    .execute()
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('events')
    .addColumn('sequence', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('machine_id', 'text')
    .addColumn('deployment_id', 'text')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('data_json', 'text')
    .execute()
  await db.schema.createIndex('events_by_machine').on('events').columns(['machine_id', 'sequence']).execute()
}

async function addDeploymentRendition(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('deployments')
    .addColumn('rendition', 'text', (c) => c.notNull().defaultTo('tree'))
    .execute()
}

async function addDeploymentBytesReused(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('deployments')
    .addColumn('bytes_reused', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute()
}

/** Every layout so far was `whole-disk`, which from here on stands in the row as it was then. */
async function addDeploymentLayout(db: Kysely<unknown>): Promise<void> {
  const partitions = [{ role: 'bios-boot' }, { role: 'esp' }, { role: 'root', size: 'rest' }]
  const wholeDisk = JSON.stringify({ name: 'whole-disk', table: 'new', partitions })
  await db.schema
    .alterTable('deployments')
    .addColumn('layout_json', 'text', (c) => c.notNull().defaultTo(wholeDisk))
    .execute()
  await db.schema.alterTable('deployments').dropColumn('layout').execute()
}

async function addDeploymentRollback(db: Kysely<unknown>): Promise<void> {
  const table = () => db.schema.alterTable('deployments')
  await table()
    .addColumn('kind', 'text', (c) => c.notNull().defaultTo('deploy'))
    .execute()
  await table()
    .addColumn('keep_versions', 'integer', (c) => c.notNull().defaultTo(3))
    .execute()
  await table()
    .addColumn('kept_versions_json', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute()
}

async function addDeploymentHandedOver(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('deployments').addColumn('handed_over_at', 'bigint').execute()
}

async function addDeploymentVerify(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('deployments')
    .addColumn('verify', 'text', (c) => c.notNull().defaultTo('whole'))
    .execute()
}

async function addMachineConflicts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('machines')
    .addColumn('shares_uuid', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.createIndex('machines_by_uuid').on('machines').column('uuid').execute()
  await db.schema
    .createTable('machine_conflicts')
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('other_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('machine_conflicts_key', ['machine_id', 'other_id'])
    .execute()
  await db.schema.createIndex('machine_conflicts_by_other').on('machine_conflicts').column('other_id').execute()
}

async function addHandOver(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('machines').addColumn('hand_over', 'text').execute()
  await db.schema.alterTable('deployments').addColumn('handed_over_by', 'text').execute()
  await db.schema.alterTable('deployments').addColumn('hand_over_seconds', 'real').execute()
  await db.schema
    .createTable('hand_over_rules')
    .addColumn('scope', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('hand_over', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('hand_over_rules_key', ['scope', 'name'])
    .execute()
}

async function addDeploymentBootOrder(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('deployments').addColumn('boot_order_json', 'text').execute()
}

/** What machines boot while nothing is ordered was their intent until now, where that was no order. */
async function addErrands(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('machines')
    .addColumn('standing_json', 'text', (c) => c.notNull().defaultTo('{"kind":"local"}'))
    .execute()
  await sql`update machines set standing_json = '{"kind":"' || intent_kind || '"}' where intent_kind in ('menu', 'discover')`.execute(
    db,
  )
  await db.schema.alterTable('machines').addColumn('errand_id', 'text').execute()
  await db.schema.alterTable('events').addColumn('errand_id', 'text').execute()
  await db.schema.alterTable('sessions').renameColumn('deployment_id', 'work_id').execute()
  await db.schema
    .createTable('errands')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('work_json', 'text', (c) => c.notNull())
    .addColumn('once', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('step', 'text')
    .addColumn('failure', 'text')
    .addColumn('steps_json', 'text', (c) => c.notNull())
    .addColumn('result_json', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('deadline_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .execute()
  await db.schema.createIndex('errands_by_machine').on('errands').columns(['machine_id', 'created_at']).execute()
  await db.schema.createIndex('errands_by_state').on('errands').columns(['state', 'deadline_at']).execute()
  await db.schema
    .createTable('errand_output')
    .addColumn('errand_id', 'text', (c) => c.notNull().references('errands.id').onDelete('cascade'))
    .addColumn('start', 'integer', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('errand_output_key', ['errand_id', 'start'])
    .execute()
}

async function addScheduledOrders(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('scheduled_orders')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('machines_json', 'text', (c) => c.notNull())
    .addColumn('order_json', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('placed_json', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('scheduled_orders_by_state').on('scheduled_orders').columns(['state', 'at']).execute()
}

async function addMachineLabels(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('machines')
    .addColumn('labels_json', 'text', (c) => c.notNull().defaultTo('{}'))
    .execute()
}

/** What is removed by age is found by it. */
async function addWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('events_by_time').on('events').columns(['at', 'sequence']).execute()
  await db.schema
    .createTable('webhooks')
    .addColumn('url', 'text', (c) => c.primaryKey())
    .addColumn('delivered_through', 'bigint', (c) => c.notNull())
    .execute()
}

async function addDeploymentSessionOnly(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('deployments')
    .addColumn('session_only', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
}

async function addDeploymentAttempts(db: Kysely<unknown>): Promise<void> {
  await addAttempts(db, 'deployments')
  await db.schema.alterTable('deployments').addColumn('retry_json', 'text').execute()
}

async function addErrandAttempts(db: Kysely<unknown>): Promise<void> {
  await addAttempts(db, 'errands')
}

async function addAttempts(db: Kysely<unknown>, name: string): Promise<void> {
  const table = () => db.schema.alterTable(name)
  await table()
    .addColumn('boot_attempts', 'integer', (c) => c.notNull().defaultTo(3))
    .execute()
  await table()
    .addColumn('boots_json', 'text', (c) => c.notNull().defaultTo('{"fruitless":0}'))
    .execute()
  await table().addColumn('heard_at', 'bigint').execute()
}

/** `owner` is the name of an image or group, and a machine's id. */
async function createSetups(db: Kysely<unknown>): Promise<void> {
  const table = (name: string) =>
    db.schema
      .createTable(name)
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('owner', 'text', (c) => c.notNull())
  await table('hooks')
    .addColumn('point', 'text', (c) => c.notNull())
    .addColumn('script', 'text', (c) => c.notNull())
    .addColumn('timeout_seconds', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('hooks_key', ['scope', 'owner', 'point'])
    .execute()
  await table('variables')
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('secret', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('variables_key', ['scope', 'owner', 'name'])
    .execute()
  await table('file_templates')
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('template', 'text', (c) => c.notNull())
    .addColumn('verbatim', 'integer', (c) => c.notNull())
    .addColumn('mode', 'text')
    .addColumn('file_owner', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('file_templates_key', ['scope', 'owner', 'path'])
    .execute()
  await db.schema
    .createTable('deployment_setups')
    .addColumn('deployment_id', 'text', (c) => c.primaryKey().references('deployments.id').onDelete('cascade'))
    .addColumn('setup_json', 'text', (c) => c.notNull())
    .execute()
}

async function addWebhookReceivers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_receivers')
    .addColumn('url', 'text', (c) => c.primaryKey())
    .addColumn('kinds_json', 'text')
    .addColumn('secret', 'text')
    .execute()
}

async function addExpectedMachines(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('expected_machines')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text')
    .addColumn('serial', 'text')
    .addColumn('uuid', 'text')
    .addColumn('mac', 'text')
    .addColumn('group_name', 'text')
    .addColumn('labels_json', 'text')
    .addColumn('address', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createTable('group_defaults')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('on_approval_json', 'text', (c) => c.notNull())
    .execute()
}

async function addRamrootBoots(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('ramroot_boots')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('machine_id', 'text', (c) => c.notNull().references('machines.id').onDelete('cascade'))
    .addColumn('image', 'text', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('rendition', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('bytes_fetched', 'bigint', (c) => c.notNull())
    .addColumn('failure', 'text')
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('ramroot_boots_by_machine')
    .on('ramroot_boots')
    .columns(['machine_id', 'started_at'])
    .execute()
  await db.schema.createIndex('ramroot_boots_by_state').on('ramroot_boots').columns(['state', 'started_at']).execute()
}
