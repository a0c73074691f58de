import type { DeploymentState } from '../core/deployment.ts'
import type { ErrandState } from '../core/errand.ts'
import type { MachineWork } from '../core/machine-state.ts'
import type { StateDatabase } from './state-database.ts'

type Row<State> = { machine_id: string; state: State; created_at: number }

/** What was done to each machine, or to one, by the machine's id; who is not there has had no work. */
export async function readMachineWork(
  db: StateDatabase,
  writtenStates: readonly DeploymentState[],
  machineId?: string,
): Promise<Map<string, MachineWork>> {
  const byMachine = <State>(rows: readonly Row<State>[]) => Map.groupBy(rows, ({ machine_id }) => machine_id)
  const deployments = byMachine(await listStates<DeploymentState>(db, 'deployments', machineId))
  const errands = byMachine(await listStates<ErrandState>(db, 'errands', machineId))
  const work = new Map<string, MachineWork>()
  for (const id of new Set([...deployments.keys(), ...errands.keys()])) {
    const done = deployments.get(id) ?? []
    const isWritten = done.some(({ state }) => writtenStates.includes(state))
    work.set(id, { ...lastWord(done.at(-1), errands.get(id)?.at(-1)), isWritten })
  }
  return work
}

/** What was ordered after a deployment that failed, and ended well, takes its place; one of the same instant came after it. */
function lastWord(
  deployment: Row<DeploymentState> | undefined,
  errand: Row<ErrandState> | undefined,
): Pick<MachineWork, 'deployment' | 'hasErrandFailed'> {
  const isErrandLast = errand !== undefined && errand.created_at >= (deployment?.created_at ?? 0)
  const isMended = deployment?.state === 'failed' && isErrandLast && errand.state === 'done'
  const hasErrandFailed = isErrandLast && errand.state === 'failed'
  return { ...(deployment && !isMended && { deployment: deployment.state }), hasErrandFailed }
}

/** Oldest first. */
async function listStates<State>(db: StateDatabase, table: 'deployments' | 'errands', machineId: string | undefined) {
  const query = db.selectFrom(table).select(['machine_id', 'state', 'created_at']).orderBy('created_at')
  const rows = await (machineId === undefined ? query : query.where('machine_id', '=', machineId)).execute()
  return rows.map((row) => ({ ...row, created_at: Number(row.created_at) })) as Row<State>[]
}
