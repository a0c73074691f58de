import { randomUUID } from 'node:crypto'
import { describeExpected, type ExpectedMachine, isExpected, problemOfExpected } from '../core/expected-machine.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import type { NewcomerRules } from '../core/newcomer.ts'
import { deleteExpected, insertExpected, listExpected } from '../store/expected-rows.ts'
import { findMachineById, findMachineByName, listMachines, readInventory } from '../store/machine-rows.ts'
import { hasTokenSession } from '../store/session-rows.ts'
import { nameNewcomer } from './name-newcomer.ts'
import { Conflict, NotFound } from './refusals.ts'
import { type MachineSettings, setMachine } from './set-machine.ts'
import type { Change, StateChanges } from './state-changes.ts'

/** What a person may say of a machine when approving it. */
export type ApprovalSettings = Pick<MachineSettings, 'newName' | 'group' | 'labels' | 'address'>

/** Who is ours: by a list of machines that are to come, by the site's policy, or by a person. */
export class Approvals {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  expected(): Promise<ExpectedMachine[]> {
    return listExpected(this.#state.db)
  }

  /**
   * All of them or none. Gives the machines that wait in the agent and are among them: these are approved at once. Throws
   * Conflict for one that nobody can be recognized by, or that is named or known already.
   */
  expect(machines: readonly Omit<ExpectedMachine, 'id'>[]): Promise<Machine[]> {
    return this.#state.commit(async (change) => {
      const known = await listExpected(change.db)
      for (const machine of machines) {
        await refuseUnfit(change, machine, known)
        const expected = { ...machine, id: randomUUID() }
        await insertExpected(change.db, expected, change.now)
        known.push(expected)
      }
      await change.tell({ kind: 'machine', message: `${machines.length} machines are expected` })
      return approveWaiting(change)
    })
  }

  /** Throws NotFound. */
  async forget(id: string): Promise<void> {
    await this.#state.commit(async ({ db }) => {
      if (!(await deleteExpected(db, id))) throw new NotFound(`No machine is expected by the id "${id}"`)
    })
  }

  /** The group that the list has for who reports this. */
  async expectedGroup(inventory: Inventory): Promise<string | undefined> {
    return (await listExpected(this.#state.db)).find((each) => isExpected(each, inventory))?.group
  }

  /** An agent with a boot token has reported its inventory. Gives the machine where it was approved by that. */
  arrived(
    machineId: string,
    inventory: Inventory,
    rules: NewcomerRules & { dnsName?: string },
  ): Promise<Machine | undefined> {
    return this.#state.commit(async (change) => {
      const machine = await findMachineById(change.db, machineId)
      if (!machine || machine.approved || machine.conflicts) return undefined
      const named = await nameNewcomer(change, machine, inventory, rules)
      const found = await approveExpected(change, named, inventory)
      if (found) return found
      const whose = rules.claimedBy === undefined ? 'on its subnet' : `of the group ${rules.claimedBy}`
      if (rules.unknown === 'approve') return approve(change, named, {}, `as every machine ${whose}`)
      if (rules.unknown === 'ignore') {
        const message = `unknown machines ${whose} are ignored: from its next boot on nothing is answered to it`
        await change.tell({ machineId, kind: 'machine', message })
      }
      return undefined
    })
  }

  /** A person approves it. Throws NotFound, and Conflict where it was approved before or is held. */
  byHand(name: string, settings: ApprovalSettings): Promise<Machine> {
    return this.#state.commit(async (change) => {
      const machine = await findMachineByName(change.db, name)
      if (!machine)
        throw new NotFound(`There is no machine "${name}"; 'bootwright machine list --where state=new' shows who waits`)
      if (machine.approved) throw new Conflict(`${name} is approved already`)
      if (machine.conflicts)
        throw new Conflict(`${name} is held: settle first who it is ('bootwright machine show ${name}')`)
      return approve(change, machine, settings, 'by hand')
    })
  }
}

async function approve(change: Change, machine: Machine, settings: ApprovalSettings, how: string): Promise<Machine> {
  const approved = await setMachine(change, machine.name, { ...settings, approved: true })
  const message = `${approved.name} is approved ${how}`
  await change.tell({ machineId: machine.id, kind: 'machine', message })
  return approved
}

/** By the one entry that fits; where several do, or another machine has what it is to get, a person looks. */
async function approveExpected(change: Change, machine: Machine, inventory: Inventory): Promise<Machine | undefined> {
  const fitting = (await listExpected(change.db)).filter((each) => isExpected(each, inventory))
  const [expected] = fitting
  if (!expected) return undefined
  const refuse = async (reason: string) => {
    const message = `it is expected, but not approved: ${reason}`
    await change.tell({ machineId: machine.id, kind: 'conflict', message })
    return undefined
  }
  if (fitting.length > 1) return refuse(`it is both ${fitting.map(describeExpected).join(' and ')}`)
  const { name, group, labels, address } = expected
  const settings = {
    ...(name !== undefined && { newName: name }),
    ...(group !== undefined && { group }),
    ...(labels && { labels }),
    ...(address !== undefined && { address }),
  }
  try {
    const approved = await approve(change, machine, settings, `as expected: ${describeExpected(expected)}`)
    await deleteExpected(change.db, expected.id)
    return approved
  } catch (error) {
    if (error instanceof Conflict) return refuse(error.message)
    throw error
  }
}

/** Those whose agent came with a boot token: what others say of themselves does not count. */
async function approveWaiting(change: Change): Promise<Machine[]> {
  const approved: Machine[] = []
  for (const machine of await listMachines(change.db)) {
    if (machine.approved || machine.conflicts || !(await hasTokenSession(change.db, machine.id))) continue
    const inventory = (await readInventory(change.db, machine.id)) as Inventory | undefined
    const found = inventory && (await approveExpected(change, machine, inventory))
    if (found) approved.push(found)
  }
  return approved
}

async function refuseUnfit(
  { db }: Change,
  machine: Omit<ExpectedMachine, 'id'>,
  known: readonly ExpectedMachine[],
): Promise<void> {
  const what = describeExpected({ ...machine, id: '' })
  const problem = problemOfExpected(machine)
  if (problem !== undefined) throw new Conflict(`Cannot expect ${what || 'a machine'}: ${problem}`)
  const isSame = (key: 'name' | 'serial' | 'uuid' | 'mac' | 'address') => (other: ExpectedMachine) =>
    machine[key] !== undefined && other[key]?.toLowerCase() === machine[key].toLowerCase()
  for (const key of ['name', 'serial', 'uuid', 'mac', 'address'] as const) {
    const other = known.find(isSame(key))
    if (other) throw new Conflict(`Cannot expect ${what}: ${describeExpected(other)} is expected with the same ${key}`)
  }
  if (machine.name !== undefined && (await findMachineByName(db, machine.name))) {
    throw new Conflict(`Cannot expect ${what}: there is a machine ${machine.name}`)
  }
}
