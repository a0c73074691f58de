import { type Expression, expressionBuilder, type SqlBool } from 'kysely'
import type { DeploymentSetup, FileTemplate, Hook, HookPoint, StoredSetup, Variable } from '../core/setup.ts'
import { compareScopes, type ScopeKind, type SetupScope } from '../core/setup-scope.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

/** A scope as rows have it: `owner` is the name of an image or group, and a machine's id. */
export type RowScope = { scope: ScopeKind; owner: string }

type OwnedRow = RowScope & { machine: string | null }

/** What was said for these, or for anybody; images first, machines last. */
export async function readSetup(db: StateDatabase, scopes?: readonly RowScope[]): Promise<StoredSetup> {
  return {
    hooks: await readHooks(db, scopes),
    variables: await readVariables(db, scopes),
    files: await readFiles(db, scopes),
  }
}

async function readHooks(db: StateDatabase, scopes?: readonly RowScope[]): Promise<Hook[]> {
  const query = db.selectFrom('hooks').leftJoin('machines', 'machines.id', 'hooks.owner')
  const rows = await query
    .select(['scope', 'owner', 'point', 'script', 'timeout_seconds', 'machines.name as machine'])
    .where(within(scopes))
    .orderBy('point')
    .execute()
  return inOrder(rows, ({ point, script, timeout_seconds }) => ({ point, script, timeoutSeconds: timeout_seconds }))
}

async function readVariables(db: StateDatabase, scopes?: readonly RowScope[]): Promise<Variable[]> {
  const query = db.selectFrom('variables').leftJoin('machines', 'machines.id', 'variables.owner')
  const rows = await query
    .select(['scope', 'owner', 'variables.name', 'value', 'secret', 'machines.name as machine'])
    .where(within(scopes))
    .orderBy('variables.name')
    .execute()
  return inOrder(rows, ({ name, value, secret }) => ({ name, value, secret: secret === 1 }))
}

async function readFiles(db: StateDatabase, scopes?: readonly RowScope[]): Promise<FileTemplate[]> {
  const query = db.selectFrom('file_templates').leftJoin('machines', 'machines.id', 'file_templates.owner')
  const rows = await query
    .select(['scope', 'owner', 'path', 'template', 'verbatim', 'mode', 'file_owner', 'machines.name as machine'])
    .where(within(scopes))
    .orderBy('path')
    .execute()
  return inOrder(rows, ({ path, template, verbatim, mode, file_owner }) => ({
    ...{ path, template, verbatim: verbatim === 1, owner: file_owner },
    ...(mode !== null && { mode }),
  }))
}

/** Every one of the tables has the two columns. */
function within(scopes: readonly RowScope[] | undefined): Expression<SqlBool> {
  const eb = expressionBuilder<Schema, 'hooks'>()
  return scopes === undefined ? eb.lit(true) : eb.or(scopes.map((one) => eb.and({ ...one })))
}

function inOrder<Row extends OwnedRow, Item>(
  rows: readonly Row[],
  itemOf: (row: Row) => Item,
): (Item & { scope: SetupScope })[] {
  return rows
    .map((row) => ({ scope: { kind: row.scope, name: row.machine ?? row.owner }, ...itemOf(row) }))
    .sort((one, other) => compareScopes(one.scope, other.scope))
}

export async function putHook(db: StateDatabase, at: RowScope, hook: Omit<Hook, 'scope'>): Promise<void> {
  const row = { ...at, point: hook.point, script: hook.script, timeout_seconds: hook.timeoutSeconds }
  const insert = db.insertInto('hooks').values(row)
  await insert.onConflict((conflict) => conflict.columns(['scope', 'owner', 'point']).doUpdateSet(row)).execute()
}

export async function putVariable(db: StateDatabase, at: RowScope, variable: Omit<Variable, 'scope'>): Promise<void> {
  const row = { ...at, name: variable.name, value: variable.value, secret: Number(variable.secret) }
  const insert = db.insertInto('variables').values(row)
  await insert.onConflict((conflict) => conflict.columns(['scope', 'owner', 'name']).doUpdateSet(row)).execute()
}

export async function putFile(db: StateDatabase, at: RowScope, file: Omit<FileTemplate, 'scope'>): Promise<void> {
  const { path, template, verbatim, mode, owner } = file
  const row = { ...at, path, template, verbatim: Number(verbatim), mode: mode ?? null, file_owner: owner }
  const insert = db.insertInto('file_templates').values(row)
  await insert.onConflict((conflict) => conflict.columns(['scope', 'owner', 'path']).doUpdateSet(row)).execute()
}

/** False when there was none, as with the two below. */
export async function deleteHook(db: StateDatabase, { scope, owner }: RowScope, point: HookPoint): Promise<boolean> {
  const query = db.deleteFrom('hooks').where('scope', '=', scope).where('owner', '=', owner)
  return (await query.where('point', '=', point).executeTakeFirst()).numDeletedRows > 0n
}

export async function deleteVariable(db: StateDatabase, { scope, owner }: RowScope, name: string): Promise<boolean> {
  const query = db.deleteFrom('variables').where('scope', '=', scope).where('owner', '=', owner)
  return (await query.where('name', '=', name).executeTakeFirst()).numDeletedRows > 0n
}

export async function deleteFile(db: StateDatabase, { scope, owner }: RowScope, path: string): Promise<boolean> {
  const query = db.deleteFrom('file_templates').where('scope', '=', scope).where('owner', '=', owner)
  return (await query.where('path', '=', path).executeTakeFirst()).numDeletedRows > 0n
}

/** Two rows of machines were one computer: what the survivor has itself counts, the rest becomes its own. */
export async function absorbSetup(db: StateDatabase, absorbedId: string, survivorId: string): Promise<void> {
  const absorbed = await readSetup(db, [{ scope: 'machine', owner: absorbedId }])
  const own = await readSetup(db, [{ scope: 'machine', owner: survivorId }])
  const at: RowScope = { scope: 'machine', owner: survivorId }
  for (const hook of absorbed.hooks) {
    if (!own.hooks.some(({ point }) => point === hook.point)) await putHook(db, at, hook)
  }
  for (const variable of absorbed.variables) {
    if (!own.variables.some(({ name }) => name === variable.name)) await putVariable(db, at, variable)
  }
  for (const file of absorbed.files) {
    if (!own.files.some(({ path }) => path === file.path)) await putFile(db, at, file)
  }
  await deleteSetup(db, absorbedId)
}

/** Everything that is one machine's alone. */
export async function deleteSetup(db: StateDatabase, machineId: string): Promise<void> {
  for (const table of ['hooks', 'variables', 'file_templates'] as const) {
    await db.deleteFrom(table).where('scope', '=', 'machine').where('owner', '=', machineId).execute()
  }
}

/** Those of earlier deployments of the machine are needed no more. */
export async function putDeploymentSetup(
  db: StateDatabase,
  deployment: { id: string; machineId: string },
  setup: DeploymentSetup,
): Promise<void> {
  const earlier = db.selectFrom('deployments').select('id').where('machine_id', '=', deployment.machineId)
  await db.deleteFrom('deployment_setups').where('deployment_id', 'in', earlier).execute()
  const row = { deployment_id: deployment.id, setup_json: JSON.stringify(setup) }
  await db.insertInto('deployment_setups').values(row).execute()
}

/** Undefined where the deployment was given none, or the machine has had another deployment since. */
export async function readDeploymentSetup(db: StateDatabase, id: string): Promise<DeploymentSetup | undefined> {
  const query = db.selectFrom('deployment_setups').select('setup_json').where('deployment_id', '=', id)
  const row = await query.executeTakeFirst()
  return row && JSON.parse(row.setup_json)
}
