import { setTimeout as wait } from 'node:timers/promises'
import type { OutputReport } from '../../core/agent-protocol.ts'
import { say, sayOutput } from '../say.ts'
import type { ErrandContext } from './errand-context.ts'

/** Words of a moment travel together. */
const gatherMs = 300
const longestText = 200_000
/** What cannot be told for so long that this much waits is left out. */
const mostWaiting = 4 * 1024 * 1024

/** Tells the server and the console what a script says, in order, without ever holding the script up. */
export class OutputTeller {
  readonly #context: Pick<ErrandContext, 'order' | 'session' | 'stop'>
  #waiting = ''
  #offset = 0
  #sending: Promise<void> | undefined

  constructor(context: Pick<ErrandContext, 'order' | 'session' | 'stop'>) {
    this.#context = context
  }

  add(text: string): void {
    sayOutput(text)
    if (this.#waiting.length + text.length > mostWaiting) return
    this.#waiting += text
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** Settles when everything said so far was delivered, or refused. */
  async delivered(): Promise<void> {
    await this.#sending
  }

  async #send(): Promise<void> {
    const { order, session, stop } = this.#context
    while (this.#waiting !== '') {
      await wait(gatherMs)
      const text = this.#waiting.slice(0, longestText)
      const report: OutputReport = { workId: order.errandId, offset: this.#offset, text }
      try {
        await session.client.request('POST', '/agent/output', report, { signal: stop.signal, onTrouble: say })
      } catch (refusal) {
        this.#waiting = ''
        if (!stop.signal.aborted) stop.abort(refusal)
        return
      }
      this.#offset += text.length
      this.#waiting = this.#waiting.slice(text.length)
    }
  }
}
