import { writtenStates } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { type MachineState, machineState, noWork } from '../core/machine-state.ts'
import { parseSelector, selects } from '../core/selector.ts'
import { listMachines } from '../store/machine-rows.ts'
import { readMachineWork } from '../store/machine-work-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { NotFound } from './refusals.ts'

export type ListedMachine = Machine & { state: MachineState }

/** Every machine with its state, in order of names. */
export async function listWithState(db: StateDatabase): Promise<ListedMachine[]> {
  const work = await readMachineWork(db, writtenStates)
  return (await listMachines(db)).map((machine) => withState(machine, work))
}

export async function stateOf(db: StateDatabase, machine: Machine): Promise<MachineState> {
  return withState(machine, await readMachineWork(db, writtenStates, machine.id)).state
}

/** Those that a selector chooses, of which there is at least one. Throws DecodeError, and NotFound where there is none. */
export async function selectMachines(db: StateDatabase, where: string): Promise<ListedMachine[]> {
  const selector = parseSelector(where)
  const selected = (await listWithState(db)).filter((machine) => selects(selector, machine))
  if (selected.length === 0) {
    throw new NotFound(`No machine is "${where}"; 'bootwright machine list --where …' shows what one finds`)
  }
  return selected
}

function withState(machine: Machine, work: Awaited<ReturnType<typeof readMachineWork>>): ListedMachine {
  return { ...machine, state: machineState(machine, work.get(machine.id) ?? noWork) }
}
