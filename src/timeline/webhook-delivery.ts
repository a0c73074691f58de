import { setTimeout as wait } from 'node:timers/promises'
import type { StateChanges } from '../deploy/state-changes.ts'
import { countEvents, listEvents, newestSequence } from '../store/event-rows.ts'
import { machineNames } from '../store/machine-rows.ts'
import { findDelivered, recordDelivered } from '../store/webhook-rows.ts'
import { postWebhook } from './post-webhook.ts'
import { type Webhook, type WebhookBody, type WebhookStatus, withoutPassword } from './webhook.ts'

export type WebhookTiming = {
  /** What happens in this time is told together. */
  gatherMs: number
  attemptMs: number
  firstBackOffMs: number
  longestBackOffMs: number
}
const usualTiming: WebhookTiming = {
  ...{ gatherMs: 250, attemptMs: 10_000 },
  ...{ firstBackOffMs: 1000, longestBackOffMs: 5 * 60_000 },
}

const mostEventsAtOnce = 100
/** Numbers that are looked through at once for the kinds that are wanted. */
const windowEvents = 2000
/** What was looked through and not wanted is remembered over a restart when it is more than this. */
const rememberedWindow = 20_000
const attemptsUntilTold = 3
const countedEvents = 10_001

/**
 * One receiver: gets every event that it wants at least once, in order, from the one on that it took last, whatever happens to
 * it or to the service. It is served by itself; one that is slow or dead costs a connection.
 */
export class WebhookDelivery {
  readonly hook: Webhook
  readonly #state: StateChanges
  readonly #timing: WebhookTiming
  #deliveredThrough = 0
  /** Behind it may be nothing that is wanted up to here. */
  #readThrough = 0
  #atOnce = mostEventsAtOnce
  #failing: { since: number; attempts: number; reason: string } | undefined

  constructor(hook: Webhook, state: StateChanges, timing: Partial<WebhookTiming> = {}) {
    this.hook = hook
    this.#state = state
    this.#timing = { ...usualTiming, ...timing }
  }

  /** Delivers until the signal aborts. A receiver that is new is told what happens from now on. */
  async run(signal: AbortSignal): Promise<void> {
    const { url } = this.hook
    const known = await findDelivered(this.#state.db, url)
    const from = known ?? (await newestSequence(this.#state.db))
    if (known === undefined) await recordDelivered(this.#state.db, url, from)
    this.#deliveredThrough = this.#readThrough = from
    while (!signal.aborted) {
      using news = this.#watch(signal)
      const events = await this.#next()
      if (events.length === 0) {
        if (!signal.aborted) await news.arrived
        await pause(this.#timing.gatherMs, signal)
      } else if (!(await this.#deliver(events, signal))) await pause(this.#backOffMs(), signal)
    }
  }

  async status(): Promise<WebhookStatus> {
    const wanted = { afterSequence: this.#readThrough, ...this.#kinds() }
    const [first] = await listEvents(this.#state.db, { ...wanted, limit: 1 })
    const failing = this.#failing
    return {
      url: withoutPassword(this.hook.url),
      deliveredThrough: this.#deliveredThrough,
      waiting: first ? await countEvents(this.#state.db, wanted, countedEvents) : 0,
      lagSeconds: first ? Math.max(0, Math.round((this.#state.now() - first.at) / 1000)) : 0,
      ...(failing && { failing: { ...failing, since: new Date(failing.since).toISOString() } }),
    }
  }

  /** The next events that are wanted; none when there are none. Looks through a bounded part of the timeline at a time. */
  async #next() {
    const { db } = this.#state
    const newest = await newestSequence(db)
    while (this.#readThrough < newest) {
      const throughSequence = this.#readThrough + windowEvents
      const range = { afterSequence: this.#readThrough, throughSequence, limit: this.#atOnce }
      const events = await listEvents(db, { ...range, ...this.#kinds() })
      if (events.length > 0) return events
      this.#readThrough = Math.min(throughSequence, newest)
      if (this.#readThrough - this.#deliveredThrough > rememberedWindow) await this.#remember(this.#readThrough)
    }
    return []
  }

  /** False when it has to be tried again. */
  async #deliver(events: Awaited<ReturnType<typeof listEvents>>, signal: AbortSignal): Promise<boolean> {
    const ids = [...new Set(events.flatMap(({ machineId }) => machineId ?? []))]
    const names = await machineNames(this.#state.db, ids)
    const body: WebhookBody = {
      events: events.map((event) => {
        const machine = names.get(event.machineId ?? '')
        return { ...event, ...(machine !== undefined && { machine }) }
      }),
    }
    const how = { timeoutMs: this.#timing.attemptMs, signal, nowMs: this.#state.now() }
    const outcome = await postWebhook(this.hook, JSON.stringify(body), how)
    if (outcome.kind === 'failed') {
      if (signal.aborted) return false
      // What it cannot take at once it may take piece by piece.
      this.#atOnce = Math.max(1, this.#atOnce >> 1)
      await this.#failed(outcome.reason)
      return false
    }
    this.#atOnce = Math.min(mostEventsAtOnce, this.#atOnce * 2)
    await this.#remember(events.at(-1)!.sequence)
    await this.#worked()
    return true
  }

  async #remember(sequence: number): Promise<void> {
    this.#deliveredThrough = this.#readThrough = sequence
    await recordDelivered(this.#state.db, this.hook.url, sequence)
  }

  async #failed(reason: string): Promise<void> {
    const { since, attempts } = this.#failing ?? { since: this.#state.now(), attempts: 0 }
    this.#failing = { since, attempts: attempts + 1, reason }
    // Once, and not at the first: an event for each failure would be one more to be delivered.
    if (attempts + 1 === attemptsUntilTold)
      await this.#tell(`does not take its events: ${reason}; they wait, and are tried again`)
  }

  async #worked(): Promise<void> {
    const failed = this.#failing
    this.#failing = undefined
    if (failed && failed.attempts >= attemptsUntilTold) {
      const seconds = Math.round((this.#state.now() - failed.since) / 1000)
      await this.#tell(`takes its events again, after ${seconds} s and ${failed.attempts} attempts`)
    }
  }

  async #tell(what: string): Promise<void> {
    const url = withoutPassword(this.hook.url)
    await this.#state.commit((change) =>
      change.tell({ kind: 'server', message: `the webhook ${url} ${what}`, data: { webhook: url } }),
    )
  }

  #backOffMs(): number {
    const { firstBackOffMs, longestBackOffMs } = this.#timing
    const doubled = firstBackOffMs * 2 ** Math.min(20, (this.#failing?.attempts ?? 1) - 1)
    return Math.min(longestBackOffMs, doubled) * (0.8 + Math.random() * 0.4)
  }

  #kinds() {
    return this.hook.kinds && { kinds: this.hook.kinds }
  }

  /** Watched from before the look, so that no event falls between the two. */
  #watch(signal: AbortSignal) {
    const { promise: arrived, resolve } = Promise.withResolvers<void>()
    const { kinds } = this.hook
    const stop = this.#state.onEvent(({ sequence, kind }) => {
      if (sequence !== 0 && (!kinds || kinds.includes(kind))) resolve()
    })
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort)
    return {
      arrived,
      [Symbol.dispose]() {
        stop()
        signal.removeEventListener('abort', onAbort)
      },
    }
  }
}

/** Also ends, without a fault, when the signal aborts. */
async function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  await wait(timeoutMs, undefined, { signal }).catch(() => undefined)
}
