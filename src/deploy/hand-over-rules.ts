import { chooseHandOver, type HandOver, type HandOverRule } from '../core/hand-over.ts'
import type { Inventory } from '../core/inventory.ts'
import type { Machine } from '../core/machine.ts'
import { deleteHandOverRule, listHandOverRules, putHandOverRule } from '../store/hand-over-rows.ts'
import { readInventory } from '../store/machine-rows.ts'
import { NotFound } from './refusals.ts'
import type { StateChanges } from './state-changes.ts'

/** How deployments leave the machines of a group or of a model, where neither order nor machine says it. */
export class HandOverRules {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  list(): Promise<HandOverRule[]> {
    return listHandOverRules(this.#state.db)
  }

  async put(rule: HandOverRule): Promise<void> {
    await this.#state.commit(async (change) => {
      await putHandOverRule(change.db, rule)
      const message = `deployments leave the machines of the ${rule.scope} "${rule.name}" by ${rule.handOver}`
      await change.tell({ kind: 'machine', message })
    })
  }

  /** Throws NotFound. */
  async remove(rule: Pick<HandOverRule, 'scope' | 'name'>): Promise<void> {
    await this.#state.commit(async (change) => {
      const was = await deleteHandOverRule(change.db, rule)
      if (!was) throw new NotFound(`Nobody chose how to leave the machines of the ${rule.scope} "${rule.name}"`)
      const message = `how deployments leave the machines of the ${rule.scope} "${rule.name}" is not chosen any more`
      await change.tell({ kind: 'machine', message })
    })
  }

  async choose(machine: Machine, ordered: HandOver | undefined): Promise<HandOver> {
    const inventory = (await readInventory(this.#state.db, machine.id)) as Inventory | undefined
    const { group, handOver } = machine
    return chooseHandOver({ ordered, machine: handOver, model: inventory?.smbios.product, group }, await this.list())
  }
}
