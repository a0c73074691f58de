import type { Mac } from '../bytes/mac.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import {
  deleteMachine,
  findMachineById,
  findMachineByMac,
  findMachineByName,
  listMachines,
  readInventory,
  updateMachine,
} from '../store/machine-rows.ts'
import { selectMachines } from './machine-selection.ts'
import { isFresh, noticeMachine } from './notice-machine.ts'
import { recognizeMachine } from './recognize-machine.ts'
import { NotFound } from './refusals.ts'
import { type MachineSettings, type SharedSettings, setMachine } from './set-machine.ts'
import type { StateChanges } from './state-changes.ts'
import { keepSurroundings } from './surroundings.ts'

/** The machines and what they boot while nothing is ordered. */
export class Machines {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  list(): Promise<Machine[]> {
    return listMachines(this.#state.db)
  }

  findById(id: string): Promise<Machine | undefined> {
    return findMachineById(this.#state.db, id)
  }

  findByMac(mac: Mac): Promise<Machine | undefined> {
    return findMachineByMac(this.#state.db, mac)
  }

  /** Throws NotFound. */
  async get(name: string): Promise<Machine> {
    const machine = await findMachineByName(this.#state.db, name)
    if (!machine)
      throw new NotFound(`There is no machine "${name}"; 'bootwright machine list' shows those that are known`)
    return machine
  }

  inventory(id: string): Promise<unknown> {
    return readInventory(this.#state.db, id)
  }

  /** Makes the machine when the name is new (it needs a MAC address then), changes it otherwise. Throws Conflict. */
  set(name: string, settings: MachineSettings): Promise<Machine> {
    return this.#state.commit((change) => setMachine(change, name, settings))
  }

  /** All of them or none. Throws Conflict. */
  setAll(machines: readonly (MachineSettings & { name: string })[]): Promise<void> {
    return this.#state.commit(async (change) => {
      for (const { name, ...settings } of machines) await setMachine(change, name, settings)
    })
  }

  /** All that the selector chooses, or none. Throws DecodeError, NotFound and Conflict. */
  setSelected(where: string, settings: SharedSettings): Promise<Machine[]> {
    return this.#state.commit(async (change) => {
      const changed: Machine[] = []
      for (const { name } of await selectMachines(change.db, where)) {
        changed.push(await setMachine(change, name, settings))
      }
      return changed
    })
  }

  /** A packet of this MAC was seen; unknown machines are recorded, up to a limit. */
  async noticed(mac: Mac, because: string): Promise<Machine | undefined> {
    const known = await this.findByMac(mac)
    if (known && isFresh(known, this.#state.now())) return known
    return this.#state.commit((change) => noticeMachine(change, mac, because))
  }

  async remove(name: string): Promise<void> {
    await this.#state.commit(async (change) => {
      const machine = await findMachineByName(change.db, name)
      if (!machine) throw new NotFound(`There is no machine "${name}"`)
      await deleteMachine(change.db, machine.id)
      change.machineRemoved(machine)
      await change.tell({ machineId: machine.id, kind: 'machine', message: `${name} was removed` })
    })
  }

  /**
   * `isKnown`: the agent came with a boot token, so that its word about who the machine is counts. Gives the machine that it
   * is, which may be another than the one its session was opened for.
   */
  async recordInventory(machineId: string, inventory: Inventory, isKnown: boolean): Promise<Machine> {
    return this.#state.commit(async (change) => {
      const reported = await findMachineById(change.db, machineId)
      if (!reported) throw new NotFound('The machine of this session was removed')
      const machine = isKnown ? await recognizeMachine(change, reported, inventory) : reported
      const { uuid } = inventory.smbios
      const before = (await readInventory(change.db, machine.id)) as Inventory | undefined
      const kept = keepSurroundings(inventory, before)
      const updated = await updateMachine(change.db, machine.id, {
        inventory: kept,
        ...(uuid !== undefined && { uuid }),
      })
      change.machineChanged(updated)
      const otherBoard = uuid !== undefined && machine.uuid !== undefined && uuid !== machine.uuid
      const board = otherBoard ? `; its SMBIOS UUID was ${machine.uuid} and is ${uuid} now` : ''
      const message = `inventory: ${describeInventory(inventory)}${board}`
      await change.tell({ machineId: machine.id, kind: 'agent', message })
      return updated
    })
  }
}

function describeInventory(inventory: Inventory): string {
  const { smbios, cpu, disks } = inventory
  const model = [smbios.manufacturer, smbios.product].filter(Boolean).join(' ') || 'unknown model'
  const memory = `${(inventory.memoryBytes / 2 ** 30).toFixed(1)} GiB`
  return `${model}, ${inventory.firmware}, ${cpu.count} × ${cpu.model}, ${memory}, ${disks.length} disk${disks.length === 1 ? '' : 's'}`
}
