import type { Selectable } from 'kysely'
import type { MachineOrder, PlacedOrder, ScheduledOrder } from '../core/machine-order.ts'
import type { Schema } from './schema.ts'
import type { StateDatabase } from './state-database.ts'

export async function insertScheduledOrder(db: StateDatabase, scheduled: ScheduledOrder): Promise<void> {
  const { id, at, machines, order, state, placed, createdAt } = scheduled
  await db
    .insertInto('scheduled_orders')
    .values({
      ...{ id, at, machines_json: JSON.stringify(machines), order_json: JSON.stringify(order) },
      ...{ state, placed_json: JSON.stringify(placed), created_at: createdAt },
    })
    .execute()
}

export async function findScheduledOrder(db: StateDatabase, id: string): Promise<ScheduledOrder | undefined> {
  const row = await db.selectFrom('scheduled_orders').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** The latest time first. */
export async function listScheduledOrders(db: StateDatabase): Promise<ScheduledOrder[]> {
  return (await db.selectFrom('scheduled_orders').selectAll().orderBy('at', 'desc').limit(1000).execute()).map(fromRow)
}

/** Waiting ones whose time has come, the earliest first. */
export async function listDueOrders(db: StateDatabase, now: number): Promise<ScheduledOrder[]> {
  const query = db.selectFrom('scheduled_orders').selectAll().where('state', '=', 'waiting').where('at', '<=', now)
  return (await query.orderBy('at').execute()).map(fromRow)
}

export async function endScheduledOrder(
  db: StateDatabase,
  id: string,
  end: Pick<ScheduledOrder, 'state' | 'placed'>,
): Promise<void> {
  const values = { state: end.state, placed_json: JSON.stringify(end.placed) }
  await db.updateTable('scheduled_orders').set(values).where('id', '=', id).execute()
}

function fromRow(row: Selectable<Schema['scheduled_orders']>): ScheduledOrder {
  return {
    ...{ id: row.id, at: Number(row.at), state: row.state, createdAt: Number(row.created_at) },
    machines: JSON.parse(row.machines_json) as string[],
    order: JSON.parse(row.order_json) as MachineOrder,
    placed: JSON.parse(row.placed_json) as PlacedOrder[],
  }
}
