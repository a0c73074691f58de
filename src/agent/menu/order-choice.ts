import { Check } from 'typebox/value'
import { DecodeError } from '../../bytes/decode-error.ts'
import { type MenuChoice, MenuReply } from '../../core/console-menu.ts'
import type { Session } from '../session.ts'

/** The server holds the question for up to 20 s while it makes something. */
const timeoutMs = 45_000
const patienceMs = 120_000

/**
 * Asks the server to make the choice an order for this machine. Returns when it is one: followOrders() gets it. Throws
 * ServerRefused, with the server's words, and ServerUnreachable.
 */
export async function orderChoice(
  { client }: Pick<Session, 'client'>,
  choice: MenuChoice,
  tell: (line: string) => void,
): Promise<void> {
  let isTold = false
  for (;;) {
    const reply = await client.request('POST', '/agent/menu/deploy', choice, { timeoutMs, patienceMs, onTrouble: tell })
    if (!Check(MenuReply, reply)) throw new DecodeError('reply to a choice', 'it is neither ordered nor making')
    if (reply.kind === 'ordered') return
    if (!isTold) tell('the server makes what this takes, which it did not have yet; that can take minutes')
    isTold = true
  }
}
