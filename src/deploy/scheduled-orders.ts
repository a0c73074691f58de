import { randomUUID } from 'node:crypto'
import type { Machine } from '../core/machine.ts'
import { describeOrder, type MachineOrder, type PlacedOrder, type ScheduledOrder } from '../core/machine-order.ts'
import { findMachineByName } from '../store/machine-rows.ts'
import {
  endScheduledOrder,
  findScheduledOrder,
  insertScheduledOrder,
  listDueOrders,
  listScheduledOrders,
} from '../store/scheduled-order-rows.ts'
import { Conflict, NotFound } from './refusals.ts'
import type { Change, StateChanges } from './state-changes.ts'

/** An order for the night is not placed in the morning because the service was down. */
const latestMs = 3600_000

export type PlaceOrder = (machine: string, order: MachineOrder) => Promise<PlacedOrder>

/** Orders that wait for their time; each is placed once, or told to have been missed. */
export class ScheduledOrders {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  list(): Promise<ScheduledOrder[]> {
    return listScheduledOrders(this.#state.db)
  }

  add(machines: readonly Machine[], order: MachineOrder, at: number): Promise<ScheduledOrder> {
    return this.#state.commit(async (change) => {
      const scheduled: ScheduledOrder = {
        ...{ id: randomUUID(), at, machines: machines.map(({ name }) => name), order },
        ...{ state: 'waiting', placed: [], createdAt: change.now },
      }
      await insertScheduledOrder(change.db, scheduled)
      await tellMachines(change, scheduled, `is ordered for ${new Date(at).toISOString()}`)
      return scheduled
    })
  }

  /** Throws NotFound, and Conflict when it is not waiting any more. */
  async cancel(id: string): Promise<void> {
    await this.#state.commit(async (change) => {
      const scheduled = await findScheduledOrder(change.db, id)
      if (!scheduled) throw new NotFound(`There is no scheduled order "${id}"; 'bootwright schedule list' shows them`)
      if (scheduled.state !== 'waiting') throw new Conflict(`The scheduled order ${id} is ${scheduled.state} already`)
      await endScheduledOrder(change.db, id, { state: 'cancelled', placed: [] })
      await tellMachines(change, scheduled, 'is not ordered any more')
    })
  }

  /** Places what is due, by `place`, which gives a refusal as an outcome. Called every few seconds. */
  async placeDue(place: PlaceOrder): Promise<void> {
    for (const scheduled of await listDueOrders(this.#state.db, this.#state.now())) {
      const isMissed = this.#state.now() - scheduled.at > latestMs
      // Ended before it is placed: a crash in between places it in part, and never twice.
      const state = isMissed ? 'missed' : 'placed'
      await this.#state.commit(async (change) => {
        await endScheduledOrder(change.db, scheduled.id, { state, placed: [] })
        if (isMissed) await tellMachines(change, scheduled, 'was missed: the service was not there at its time')
      })
      if (isMissed) continue
      const placed: PlacedOrder[] = []
      for (const machine of scheduled.machines) placed.push(await place(machine, scheduled.order))
      await this.#state.commit(async (change) => {
        await endScheduledOrder(change.db, scheduled.id, { state, placed })
        for (const { machine, refused } of placed) {
          if (refused !== undefined) await tellMachine(change, machine, scheduled, `was refused: ${refused}`)
        }
      })
    }
  }
}

async function tellMachines(change: Change, scheduled: ScheduledOrder, what: string): Promise<void> {
  for (const name of scheduled.machines) await tellMachine(change, name, scheduled, what)
}

async function tellMachine(change: Change, name: string, { id, order }: ScheduledOrder, what: string): Promise<void> {
  const machine = await findMachineByName(change.db, name)
  const message = `${describeOrder(order)} ${what}`
  await change.tell({
    ...(machine && { machineId: machine.id }),
    kind: 'intent',
    message,
    data: { scheduledOrder: id },
  })
}
