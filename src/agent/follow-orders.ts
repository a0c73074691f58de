import type { KeyObject } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Check } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { type DeployOrder, type ErrandOrder, Order, OrderRefused, openOrder, SignedOrder } from '../core/order.ts'
import { backOff } from './back-off.ts'
import { say } from './say.ts'
import type { Session } from './session.ts'

/** The server holds the question for up to 20 s while there is nothing to do. */
const orderTimeoutMs = 45_000
/** Between two questions that were answered at once. */
const shortestRoundMs = 1000

export type OrderActions = {
  /** Does the work and reports its failure by itself. Does not return when the machine was handed over. */
  deploy(order: DeployOrder): Promise<'failed'>
  /** Likewise. Does not return when the machine is left by it. */
  errand(order: ErrandOrder): Promise<'ended'>
  menu: MenuActions
}

export type MenuActions = {
  /** The loader's menu led here. */
  isChosen: boolean
  readonly isShown: boolean
  show(): void
  /** There is nothing to do: a key may bring it, where this is true. */
  listen(): boolean
}

/**
 * Asks for orders and does them until one says to reboot. Work that ended is not done again in this boot, whatever the
 * server says: of what failed a person looks first. Throws ServerRefused when the session is not known any more.
 */
export async function followOrders(session: Session, orderKey: KeyObject, actions: OrderActions): Promise<'reboot'> {
  const ended = new Set<string>()
  let unusable = 0
  let waiting = false
  for (;;) {
    const askedAt = performance.now()
    const { menu } = actions
    const answer = await session.client.request('GET', orderPath(menu), undefined, {
      timeoutMs: orderTimeoutMs,
      onTrouble: say,
    })
    let order: Order
    try {
      order = readOrder(answer, orderKey, session.nonce)
      unusable = 0
    } catch (error) {
      if (!(error instanceof OrderRefused || error instanceof DecodeError)) throw error
      say(error.message)
      await backOff(++unusable)
      continue
    }
    if (order.kind === 'reboot') {
      say(`reboot ordered: ${order.reason}`)
      return 'reboot'
    }
    if (order.kind === 'menu') menu.show()
    if (order.kind !== 'wait' && order.kind !== 'menu') {
      const id = order.kind === 'errand' ? order.errandId : order.deploymentId
      if (!ended.has(id)) {
        waiting = false
        await (order.kind === 'errand' ? actions.errand(order) : actions.deploy(order))
        ended.add(id)
        continue
      }
    }
    if (!waiting) {
      say(`waiting for an order of the server${menu.listen() ? '; press Enter for the menu' : ''}`)
    }
    waiting = true
    await wait(Math.max(0, shortestRoundMs - (performance.now() - askedAt)))
  }
}

function orderPath({ isChosen, isShown }: MenuActions): string {
  const told = [isChosen && 'chosen=true', isShown && 'shown=true'].filter(Boolean)
  return `/agent/order${told.length === 0 ? '' : `?${told.join('&')}`}`
}

/** Throws OrderRefused for a wrong signature or nonce, DecodeError for a wrong shape. */
export function readOrder(answer: unknown, orderKey: KeyObject, nonce: string): Order {
  if (!Check(SignedOrder, answer)) throw new DecodeError('order', 'it is not a signed order')
  const order = openOrder(answer, orderKey, nonce)
  if (!Check(Order, order))
    throw new DecodeError(
      'order',
      'its signature is right but this agent does not know its shape; is the ramdisk older than the server?',
    )
  return order
}
