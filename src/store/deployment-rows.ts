import type { Selectable } from 'kysely'
import type { Deployment, DeploymentState, Retry } from '../core/deployment.ts'
import type { HandedOverBy } from '../core/hand-over.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

export async function insertDeployment(db: StateDatabase, deployment: Deployment): Promise<void> {
  await db
    .insertInto('deployments')
    .values({
      id: deployment.id,
      machine_id: deployment.machineId,
      kind: deployment.kind,
      image: deployment.image,
      version: deployment.version,
      rendition: deployment.rendition,
      disk_rule_json: JSON.stringify(deployment.diskRule),
      layout_json: JSON.stringify(deployment.layout),
      filesystem: deployment.filesystem,
      hand_over: deployment.handOver,
      session_only: deployment.sessionOnly ? 1 : 0,
      kernel_arguments_json: JSON.stringify(deployment.kernelArguments),
      keep_versions: deployment.keepVersions,
      verify: deployment.verify,
      proof_seconds: deployment.proofSeconds,
      boot_attempts: deployment.bootAttempts,
      boots_json: JSON.stringify(deployment.boots),
      retry_json: deployment.retry === undefined ? null : JSON.stringify(deployment.retry),
      heard_at: null,
      state: deployment.state,
      step: null,
      failure: null,
      bytes_fetched: 0,
      bytes_written: 0,
      bytes_reused: 0,
      steps_json: '[]',
      ssh_host_keys_json: '[]',
      kept_versions_json: '[]',
      created_at: deployment.createdAt,
      deadline_at: deployment.deadlineAt,
      handed_over_at: null,
      handed_over_by: null,
      hand_over_seconds: null,
      boot_order_json: null,
      finished_at: null,
    })
    .execute()
}

export async function findDeployment(db: StateDatabase, id: string): Promise<Deployment | undefined> {
  const row = await db.selectFrom('deployments').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Newest first. */
export async function listDeployments(db: StateDatabase, machineId?: string): Promise<Deployment[]> {
  let query = db.selectFrom('deployments').selectAll().orderBy('created_at', 'desc').limit(1000)
  if (machineId) query = query.where('machine_id', '=', machineId)
  return (await query.execute()).map(fromRow)
}

/** A deployment whose version a machine may still need: `name` is the machine's. */
export type DeployedVersion = { version: string; name: string; state: DeploymentState }

/**
 * What machines have or are given: of each machine the newest deployment, every open one, and the newest that wrote its
 * disk (one that failed before that left an older version in place).
 */
export async function listDeployedVersions(
  db: StateDatabase,
  states: { open: readonly DeploymentState[]; written: readonly DeploymentState[] },
): Promise<DeployedVersion[]> {
  const rows = await db
    .selectFrom('deployments')
    .innerJoin('machines', 'machines.id', 'deployments.machine_id')
    .select(['deployments.version', 'machines.name', 'deployments.state'])
    .orderBy('deployments.created_at', 'desc')
    .execute()
  const met = new Set<string>()
  const isFirst = (key: string) => met.size < met.add(key).size
  return rows.filter(({ name, state }) => {
    const isNewest = isFirst(`newest ${name}`)
    const isNewestWritten = states.written.includes(state) && isFirst(`written ${name}`)
    return isNewest || isNewestWritten || states.open.includes(state)
  })
}

/** Those in one of the states whose deadline has passed. */
export async function listOverdueDeployments(
  db: StateDatabase,
  states: readonly DeploymentState[],
  now: number,
): Promise<Deployment[]> {
  const query = db.selectFrom('deployments').selectAll().where('state', 'in', states).where('deadline_at', '<=', now)
  return (await query.execute()).map(fromRow)
}

export type DeploymentChange = Partial<
  Pick<
    Deployment,
    | 'state'
    | 'step'
    | 'failure'
    | 'bytesFetched'
    | 'bytesWritten'
    | 'bytesReused'
    | 'steps'
    | 'boots'
    | 'heardAt'
    | 'sshHostKeys'
    | 'keptVersions'
    | 'deadlineAt'
    | 'handedOverAt'
    | 'handedOverBy'
    | 'handOverSeconds'
    | 'bootOrder'
    | 'finishedAt'
  >
>

export async function updateDeployment(db: StateDatabase, id: string, change: DeploymentChange): Promise<void> {
  const values = {
    ...(change.state !== undefined && { state: change.state }),
    ...(change.step !== undefined && { step: change.step }),
    ...(change.failure !== undefined && { failure: change.failure }),
    ...(change.bytesFetched !== undefined && { bytes_fetched: change.bytesFetched }),
    ...(change.bytesWritten !== undefined && { bytes_written: change.bytesWritten }),
    ...(change.bytesReused !== undefined && { bytes_reused: change.bytesReused }),
    ...(change.steps !== undefined && { steps_json: JSON.stringify(change.steps) }),
    ...(change.boots !== undefined && { boots_json: JSON.stringify(change.boots) }),
    ...(change.heardAt !== undefined && { heard_at: change.heardAt }),
    ...(change.sshHostKeys !== undefined && { ssh_host_keys_json: JSON.stringify(change.sshHostKeys) }),
    ...(change.keptVersions !== undefined && { kept_versions_json: JSON.stringify(change.keptVersions) }),
    ...(change.deadlineAt !== undefined && { deadline_at: change.deadlineAt }),
    ...(change.handedOverAt !== undefined && { handed_over_at: change.handedOverAt }),
    ...(change.handedOverBy !== undefined && { handed_over_by: change.handedOverBy }),
    ...(change.handOverSeconds !== undefined && { hand_over_seconds: change.handOverSeconds }),
    ...(change.bootOrder !== undefined && { boot_order_json: JSON.stringify(change.bootOrder) }),
    ...(change.finishedAt !== undefined && { finished_at: change.finishedAt }),
  }
  await db.updateTable('deployments').set(values).where('id', '=', id).execute()
}

/** A server that was down must not count its own absence against a machine. */
export async function extendDeadlines(
  db: StateDatabase,
  states: readonly DeploymentState[],
  deadlineAt: number,
): Promise<void> {
  await db
    .updateTable('deployments')
    .set({ deadline_at: deadlineAt })
    .where('state', 'in', states)
    .where('deadline_at', '<', deadlineAt)
    .execute()
}

function fromRow(row: Selectable<Schema['deployments']>): Deployment {
  return {
    id: row.id,
    machineId: row.machine_id,
    kind: row.kind as Deployment['kind'],
    image: row.image,
    version: row.version,
    rendition: row.rendition as Deployment['rendition'],
    diskRule: JSON.parse(row.disk_rule_json),
    layout: JSON.parse(row.layout_json),
    filesystem: row.filesystem as Deployment['filesystem'],
    handOver: row.hand_over as Deployment['handOver'],
    ...(row.session_only === 1 && { sessionOnly: true as const }),
    kernelArguments: JSON.parse(row.kernel_arguments_json),
    keepVersions: row.keep_versions,
    verify: row.verify as Deployment['verify'],
    proofSeconds: row.proof_seconds,
    bootAttempts: row.boot_attempts,
    boots: JSON.parse(row.boots_json),
    ...(row.retry_json !== null && { retry: JSON.parse(row.retry_json) as Retry }),
    ...(row.heard_at !== null && { heardAt: Number(row.heard_at) }),
    state: row.state,
    ...(row.step !== null && { step: row.step }),
    ...(row.failure !== null && { failure: row.failure }),
    bytesFetched: Number(row.bytes_fetched),
    bytesWritten: Number(row.bytes_written),
    bytesReused: Number(row.bytes_reused),
    steps: JSON.parse(row.steps_json) as Deployment['steps'],
    sshHostKeys: JSON.parse(row.ssh_host_keys_json),
    keptVersions: JSON.parse(row.kept_versions_json),
    createdAt: Number(row.created_at),
    deadlineAt: Number(row.deadline_at),
    ...(row.handed_over_at !== null && { handedOverAt: Number(row.handed_over_at) }),
    ...(row.handed_over_by !== null && { handedOverBy: row.handed_over_by as HandedOverBy }),
    ...(row.hand_over_seconds !== null && { handOverSeconds: row.hand_over_seconds }),
    ...(row.boot_order_json !== null && { bootOrder: JSON.parse(row.boot_order_json) as string[] }),
    ...(row.finished_at !== null && { finishedAt: Number(row.finished_at) }),
  }
}
