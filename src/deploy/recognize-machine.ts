import type { Mac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { describeConflict, isJunkUuid, ownMacs } from '../core/machine-identity.ts'
import { deleteConflicts, insertConflict } from '../store/conflict-rows.ts'
import {
  absorbMachine,
  findMachineById,
  findMachineByMac,
  findMachinesByUuid,
  updateMachine,
} from '../store/machine-rows.ts'
import type { Change } from './state-changes.ts'

/**
 * An inventory says which network cards are in one computer: they are one machine from here on, whichever of them it boots
 * from next. Two rows for it become one where a person named at most one of them; everything else that cannot be is a
 * conflict, which holds both machines for a person. Gives the machine that it is.
 */
export async function recognizeMachine(change: Change, reported: Machine, inventory: Inventory): Promise<Machine> {
  const macs = ownMacs(inventory)
  let machine = reported
  const strangers: Machine[] = []
  for (const owner of await ownersOf(change, macs, reported)) {
    const pair = { absorbed: machine.approved ? owner : machine, survivor: machine.approved ? machine : owner }
    if (!mayBeOne(pair, inventory)) strangers.push(owner)
    else machine = await join(change, pair)
  }
  await forgetConflicts(change, machine)
  machine = await addMacs(change, machine, macs)
  for (const other of strangers) await hold(change, machine, other, 'cards')
  const { uuid } = inventory.smbios
  if (uuid === undefined || isJunkUuid(uuid) || machine.sharesUuid) return machine
  for (const other of await findMachinesByUuid(change.db, uuid)) {
    const isAnother = other.id !== machine.id && !strangers.some(({ id }) => id === other.id)
    if (isAnother) await hold(change, machine, other, 'uuid')
  }
  return machine
}

async function forgetConflicts(change: Change, machine: Machine): Promise<void> {
  for (const id of await deleteConflicts(change.db, machine.id, ['uuid', 'cards'])) {
    const other = await findMachineById(change.db, id)
    if (other) change.machineChanged(other)
  }
}

/** Other machines that have one of these cards, each once. */
async function ownersOf(change: Change, macs: readonly Mac[], machine: Machine): Promise<Machine[]> {
  const owners = new Map<string, Machine>()
  for (const mac of macs) {
    const owner = await findMachineByMac(change.db, mac)
    if (owner && owner.id !== machine.id) owners.set(owner.id, owner)
  }
  return [...owners.values()]
}

type Pair = { absorbed: Machine; survivor: Machine }

/** A row that nobody named, and that has no work ahead, goes into the other; unless that one is known to be another board. */
function mayBeOne({ absorbed, survivor }: Pair, { smbios: { uuid } }: Inventory): boolean {
  if (absorbed.approved || absorbed.intent.kind === 'deploy') return false
  const contradicts = (known: string | undefined) =>
    known !== undefined && uuid !== undefined && known !== uuid && !isJunkUuid(known) && !isJunkUuid(uuid)
  return !contradicts(survivor.uuid) && !contradicts(absorbed.uuid)
}

async function join(change: Change, { absorbed, survivor }: Pair): Promise<Machine> {
  await absorbMachine(change.db, absorbed, survivor)
  change.machineRemoved(absorbed)
  const joined = (await findMachineById(change.db, survivor.id))!
  change.machineChanged(joined)
  await change.tell({
    machineId: survivor.id,
    kind: 'machine',
    message: `${absorbed.name} is ${survivor.name}: its agent found the network cards of both in one computer`,
  })
  return joined
}

/** Those that are nobody's; the others are told as conflicts. */
async function addMacs(change: Change, machine: Machine, macs: readonly Mac[]): Promise<Machine> {
  const added: Mac[] = []
  for (const mac of macs) if (!(await findMachineByMac(change.db, mac))) added.push(mac)
  if (added.length === 0) return machine
  const widened = await updateMachine(change.db, machine.id, { macs: [...machine.macs, ...added] })
  change.machineChanged(widened)
  const message = `${machine.name} has further network cards: ${added.join(', ')}`
  await change.tell({ machineId: machine.id, kind: 'machine', message })
  return widened
}

async function hold(change: Change, machine: Machine, other: Machine, kind: 'uuid' | 'cards'): Promise<void> {
  await insertConflict(change.db, machine.id, other.id, kind)
  for (const [one, two] of [
    [machine, other],
    [other, machine],
  ] as const) {
    const held = (await findMachineById(change.db, one.id))!
    change.machineChanged(held)
    const message = `held for a person: ${describeConflict(one.name, { kind, machine: two.name })}`
    await change.tell({ machineId: one.id, kind: 'conflict', message, data: { kind, with: two.name } })
  }
}
