import { describeNeighbour } from '../core/describe-neighbour.ts'
import type { Inventory, Surroundings } from '../core/inventory.ts'
import { oneLine } from '../core/one-line.ts'
import { findMachineById, readInventory, updateMachine } from '../store/machine-rows.ts'
import { NotFound } from './refusals.ts'
import type { StateChanges } from './state-changes.ts'

/** Puts what was heard on cables, and what the BMC says, into the machine's inventory. Throws NotFound. */
export async function recordSurroundings(
  state: StateChanges,
  machineId: string,
  { neighbours, bmc }: Surroundings,
): Promise<void> {
  await state.commit(async (change) => {
    const machine = await findMachineById(change.db, machineId)
    const inventory = (await readInventory(change.db, machineId)) as Inventory | undefined
    if (!machine || !inventory) throw new NotFound('The machine of this session has no inventory')
    const heard = new Map(neighbours.map(({ mac, neighbour }) => [mac, plain(neighbour)]))
    const interfaces = inventory.interfaces.map((card) => {
      const neighbour = heard.get(card.mac)
      return neighbour ? { ...card, neighbour, neighbourHeardAt: change.now } : card
    })
    const found = { ...inventory, interfaces, ...(bmc && { bmc: plain(bmc) }) }
    change.machineChanged(await updateMachine(change.db, machineId, { inventory: found }))
    const tell = (message: string) => change.tell({ machineId, kind: 'agent', message })
    for (const { name, mac } of interfaces) {
      const neighbour = heard.get(mac)
      if (neighbour) await tell(`${name} leads to ${describeNeighbour(neighbour)}`)
    }
    if (bmc) await tell(`its BMC has ${bmc.address === undefined ? 'no address' : `the address ${plain(bmc).address}`}`)
  })
}

/** What an inventory does not have yet is kept from the one before: nothing was heard in its boot's first seconds. */
export function keepSurroundings(inventory: Inventory, before: Inventory | undefined): Inventory {
  if (!before) return inventory
  const known = new Map(before.interfaces.map((card) => [card.mac, card]))
  const interfaces = inventory.interfaces.map((card) => {
    const { neighbour, neighbourHeardAt } = known.get(card.mac) ?? {}
    return card.linkUp && neighbour && neighbourHeardAt !== undefined ? { ...card, neighbour, neighbourHeardAt } : card
  })
  return { ...inventory, interfaces, ...(before.bmc && { bmc: before.bmc }) }
}

/** Switches and BMCs are strangers, and an agent may be anybody. */
function plain<Claims extends Record<string, unknown>>(claims: Claims): Claims {
  const entries = Object.entries(claims).map(([name, value]) => [
    name,
    typeof value === 'string' ? oneLine(value) : value,
  ])
  return Object.fromEntries(entries) as Claims
}
