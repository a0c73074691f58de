import { Option } from 'commander'
import { describeOrder, type MachineOrder, type PlacedOrder, type ScheduledOrder } from '../core/machine-order.ts'
import type { Client } from './client.ts'
import { printJson } from './output.ts'
import { parseCount } from './parse-count.ts'
import { parseTime } from './parse-time.ts'

export type OrderOptions = { at?: number; json?: boolean }

export function bootAttemptsOption(): Option {
  return new Option('--boot-attempts <count>', 'boots that get no further, after which it fails (3)').argParser(
    parseCount,
  )
}

export function atOption(): Option {
  return new Option('--at <time>', 'not now: +2h, 22:30, or a date with its time').argParser((text) =>
    parseTime(text, Date.now()),
  )
}

/** One order for many machines, now or later; tells each machine's. The exit code is 1 where one was refused. */
export async function placeOrders(
  client: Client,
  machines: readonly string[],
  order: MachineOrder,
  { at, json }: OrderOptions,
): Promise<void> {
  const answer = await client.request<{ scheduled?: ScheduledOrder; placed?: PlacedOrder[] }>(
    'POST',
    '/api/v1/orders/',
    { machines, order, ...(at !== undefined && { at }) },
  )
  const { scheduled, placed = [] } = answer
  if (json) printJson(scheduled ?? placed)
  else
    process.stdout.write(scheduled ? `${describeScheduled(scheduled)}\n` : placed.map(describePlaced(order)).join(''))
  if (placed.some(({ refused }) => refused !== undefined)) process.exitCode = 1
}

export function describeScheduled({ id, at, machines, order, state }: ScheduledOrder): string {
  return `${id}  ${new Date(at).toISOString()}  ${state}  ${describeOrder(order)}: ${machines.join(' ')}`
}

function describePlaced(order: MachineOrder): (placed: PlacedOrder) => string {
  const what = describeOrder(order)
  return ({ machine, refused, notice }) => {
    const told = notice === undefined ? '' : ` (${notice})`
    return `${machine}: ${refused === undefined ? `${what} at its next network boot${told}` : `refused: ${refused}`}\n`
  }
}
