import type { Command } from 'commander'
import type { Errand, ErrandWork } from '../core/errand.ts'
import { type Chosen, chooseMachines } from './choose-machines.ts'
import type { Client } from './client.ts'
import { placeOrders } from './place-orders.ts'
import { tellErrand } from './tell-errand.ts'

export type ErrandOptions = Chosen & {
  at?: number
  standing?: boolean
  bootAttempts?: number
  follow?: boolean
  json?: boolean
  /** Throws where the operator does not mean it. */
  confirm?: (machines: readonly string[]) => Promise<void>
}

/** Orders it of one machine, which can be followed, or of many, now or later. */
export async function orderErrand(
  client: Client,
  names: readonly string[],
  work: ErrandWork,
  options: ErrandOptions,
  command: Command,
): Promise<void> {
  const { standing, bootAttempts } = options
  const terms = { once: standing !== true, ...(bootAttempts !== undefined && { bootAttempts }) }
  const machines = await chooseMachines(client, names, options, (reason) => command.error(reason))
  const [machine = '', ...others] = machines
  const isOne = others.length === 0 && options.at === undefined
  if (!isOne && options.follow) command.error('error: --follow is for one machine, and for now')
  await options.confirm?.(machines)
  if (isOne) {
    const order = { machine, work, ...terms }
    const { errand } = await client.request<{ errand: Errand }>('POST', '/api/v1/errands/', order)
    return tellErrand(client, machine, errand, options)
  }
  await placeOrders(client, machines, { kind: 'errand', work, ...terms }, options)
}
