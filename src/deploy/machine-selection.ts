import { writtenStates } from '../core/deployment.ts'
import type { Machine } from '../core/machine.ts'
import { type MachineState, machineState, noWork } from '../core/machine-state.ts'
import { parseSelector, selects } from '../core/selector.ts'
import { listMachines } from '../store/machine-rows.ts'
import { readMachineWork } from '../store/machine-work-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { NotFound } from './refusals.ts'

export type ListedMachine = Machine & { state: MachineState }

/** Machines with their states, in order of names: all, or those of a selector. Throws DecodeError. */
export async function listWithState(db: StateDatabase, where?: string): Promise<ListedMachine[]> {
  const selector = where === undefined ? undefined : parseSelector(where)
  const work = await readMachineWork(db, writtenStates)
  const machines = (await listMachines(db)).map((machine) => withState(machine, work))
  return selector ? machines.filter((machine) => selects(selector, machine)) : machines
}

export async function stateOf(db: StateDatabase, machine: Machine): Promise<MachineState> {
  return withState(machine, await readMachineWork(db, writtenStates, machine.id)).state
}

/** Those that a selector chooses, of which there is at least one. Throws DecodeError, and NotFound where there is none. */
export async function selectMachines(db: StateDatabase, where: string): Promise<ListedMachine[]> {
  const selected = await listWithState(db, where)
  if (selected.length === 0) {
    throw new NotFound(`No machine is "${where}"; 'bootwright machine list' shows what they are`)
  }
  return selected
}

function withState(machine: Machine, work: Awaited<ReturnType<typeof readMachineWork>>): ListedMachine {
  return { ...machine, state: machineState(machine, work.get(machine.id) ?? noWork) }
}
