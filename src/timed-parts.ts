import type { Logger } from 'pino'
import { type OrderParts, placeOrder } from './api/place-order.ts'
import type { AgentSessions } from './deploy/agent-sessions.ts'
import type { Deployments } from './deploy/deployments.ts'
import type { Errands } from './deploy/errands.ts'
import type { Ramroots } from './deploy/ramroots.ts'
import { ScheduledOrders } from './deploy/scheduled-orders.ts'
import type { Updates } from './deploy/updates.ts'
import { type Component, pause } from './supervise.ts'

const everyMs = 2000

type Overdue = { deployments: Deployments; errands: Errands; ramroots: Ramroots; sessions: AgentSessions }

/** Ends what is past its deadline. */
export function deadlines(
  { deployments, errands, ramroots, sessions }: Overdue,
  bootTokenSeconds: number,
  log: Logger,
): Component {
  return repeated('deadlines', log, async () => {
    await deployments.expireOverdue()
    await errands.expireOverdue()
    await ramroots.expireOverdue()
    await sessions.forgetOldTokens(bootTokenSeconds * 2000)
  })
}

/** Places the orders that wait for their time. */
export function schedule(parts: OrderParts, log: Logger): Component {
  const scheduled = new ScheduledOrders(parts.state)
  return repeated('schedule', log, () => scheduled.placeDue((machine, order) => placeOrder(parts, machine, order)))
}

/** Goes on with the updates of machines that run from memory. */
export function updating(updates: Updates, log: Logger): Component {
  return repeated('updates', log, () => updates.advance())
}

/** What failed once is tried again at the next turn. */
export function repeated(name: string, log: Logger, work: () => Promise<void>): Component {
  return {
    name,
    async run(signal) {
      while (!signal.aborted) {
        await work().catch((error: unknown) => log.error({ err: error }, name))
        await pause(everyMs, signal)
      }
    },
  }
}
