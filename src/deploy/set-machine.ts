import type { Mac } from '../bytes/mac.ts'
import type { HandOver } from '../core/hand-over.ts'
import type { StandingIntent } from '../core/intent.ts'
import { changeLabels, type Labels } from '../core/labels.ts'
import type { Machine } from '../core/machine.ts'
import { deleteConflicts } from '../store/conflict-rows.ts'
import {
  findMachineByAddress,
  findMachineById,
  findMachineByMac,
  findMachineByName,
  insertMachine,
  type MachineChange,
  updateMachine,
} from '../store/machine-rows.ts'
import type { StateDatabase } from '../store/state-database.ts'
import { refuseBusy } from './machine-intent.ts'
import { Conflict, NotFound } from './refusals.ts'
import type { Change } from './state-changes.ts'

export type MachineSettings = {
  macs?: readonly Mac[]
  address?: string
  group?: string
  /** Beside those that are there. */
  labels?: Labels
  unsetLabels?: readonly string[]
  approved?: boolean
  newName?: string
  /** Null: as its model or group. */
  handOver?: HandOver | null
  /** Another computer has the same SMBIOS UUID, and that is no conflict. */
  sharesUuid?: boolean
  /** What it boots from now on while nothing is ordered; orders are made of their own. */
  intent?: StandingIntent
}

/** What can be said of many machines at once. */
export type SharedSettings = Omit<MachineSettings, 'macs' | 'address' | 'newName' | 'sharesUuid'>

/** Makes the machine when the name is new (it needs a MAC address then), changes it otherwise. Throws Conflict, NotFound. */
export async function setMachine(change: Change, name: string, settings: MachineSettings): Promise<Machine> {
  const found = await findMachineByName(change.db, name)
  await refuseTaken(change.db, settings, found?.id)
  return found ? changeMachine(change, found, settings) : addMachine(change, name, settings)
}

async function changeMachine(change: Change, machine: Machine, settings: MachineSettings): Promise<Machine> {
  if (settings.intent) await refuseBusy(change, { ...machine, conflicts: [] })
  await settleConflicts(change, machine, settings)
  const updated = await updateMachine(change.db, machine.id, settingsAsChange(machine, settings))
  change.machineChanged(updated)
  const kind = updated.intent.revision === machine.intent.revision ? 'machine' : 'intent'
  await change.tell({ machineId: machine.id, kind, message: describeChange(updated, settings) })
  return updated
}

async function addMachine(change: Change, given: string, settings: MachineSettings): Promise<Machine> {
  const {
    macs = [],
    newName: name = given,
    intent: standing = { kind: 'local' },
    approved = true,
    handOver,
    labels,
    unsetLabels: _,
    ...rest
  } = settings
  if (macs.length === 0) throw new NotFound(`There is no machine "${given}"; to make it, give at least one MAC address`)
  const intent = { kind: standing.kind, revision: 0 }
  const chosen = { ...(handOver && { handOver }), ...(labels && { labels: changeLabels({}, labels) }) }
  const said = { ...rest, name, macs: [...macs], approved, intent, standing, ...chosen }
  const machine = await insertMachine(change.db, said, change.now)
  change.machineChanged(machine)
  const message = `${name} was added (${macs.join(', ')})`
  await change.tell({ machineId: machine.id, kind: 'machine', message })
  return machine
}

async function refuseTaken(
  db: StateDatabase,
  { macs = [], newName, address }: MachineSettings,
  machineId: string | undefined,
): Promise<void> {
  const refuse = (what: string, owner: Pick<Machine, 'id' | 'name'> | undefined) => {
    if (owner && owner.id !== machineId) throw new Conflict(`${what} already belongs to the machine "${owner.name}"`)
  }
  for (const mac of macs) refuse(mac, await findMachineByMac(db, mac))
  if (newName !== undefined) refuse(`the name ${newName}`, await findMachineByName(db, newName))
  if (address !== undefined) refuse(address, await findMachineByAddress(db, address))
}

/** What a person says about cards or UUID settles the conflicts about them. */
async function settleConflicts(change: Change, machine: Machine, { macs, sharesUuid }: MachineSettings): Promise<void> {
  const kinds = [...(sharesUuid ? (['uuid'] as const) : []), ...(macs ? (['cards'] as const) : [])]
  for (const id of await deleteConflicts(change.db, machine.id, kinds)) {
    change.machineChanged((await findMachineById(change.db, id))!)
  }
}

function settingsAsChange(machine: Machine, settings: MachineSettings): MachineChange {
  const { newName, intent, macs, address, group, approved, sharesUuid, handOver, labels, unsetLabels } = settings
  return {
    ...(newName !== undefined && { name: newName }),
    ...(macs !== undefined && { macs }),
    ...(address !== undefined && { address }),
    ...(group !== undefined && { group }),
    ...(approved !== undefined && { approved }),
    ...(sharesUuid !== undefined && { sharesUuid }),
    ...(handOver !== undefined && { handOver }),
    ...((labels || unsetLabels) && { labels: changeLabels(machine.labels ?? {}, labels, unsetLabels) }),
    ...(intent !== undefined && {
      standing: intent,
      intent: { kind: intent.kind, revision: machine.intent.revision + 1 },
    }),
  }
}

function describeChange(machine: Machine, settings: MachineSettings): string {
  if (settings.intent) return `the next network boot of ${machine.name} is ${settings.intent.kind}`
  return `${machine.name} was changed: ${Object.keys(settings).join(', ')}`
}
