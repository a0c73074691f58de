import { Conflict, NotFound } from '../deploy/refusals.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import { deleteReceiver, insertReceiver, keepWebhooks, listReceivers } from '../store/webhook-rows.ts'
import { type PostOutcome, postWebhook } from './post-webhook.ts'
import { type Webhook, type WebhookBody, type WebhookStatus, withoutPassword } from './webhook.ts'
import { WebhookDelivery, type WebhookTiming } from './webhook-delivery.ts'

/** A receiver, how it is served, and who named it. */
export type ShownWebhook = WebhookStatus & Pick<Webhook, 'kinds'> & { source: 'site-file' | 'api'; isSigned: boolean }

const testTimeoutMs = 10_000

type Served = { delivery: WebhookDelivery; stop: AbortController; ended: Promise<void> }

/** All receivers of a service, each served by itself: those of the site file, and those that were added since. */
export class Webhooks {
  readonly #state: StateChanges
  readonly #ofSite: readonly Webhook[]
  readonly #timing: Partial<WebhookTiming>
  readonly #served = new Map<string, Served>()
  /** While it runs. */
  #serve: ((hook: Webhook) => void) | undefined

  /** `ofSite`: with one URL each. */
  constructor(ofSite: readonly Webhook[], state: StateChanges, timing: Partial<WebhookTiming> = {}) {
    this.#ofSite = ofSite
    this.#state = state
    this.#timing = timing
  }

  /** Until the signal aborts; rejects with the first fault of ours. */
  async run(signal: AbortSignal): Promise<void> {
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => resolve()
    signal.addEventListener('abort', onAbort)
    this.#serve = (hook) => {
      const stop = new AbortController()
      const delivery = this.#deliveryTo(hook)
      const run = delivery.run(AbortSignal.any([signal, stop.signal]))
      this.#served.set(hook.url, { delivery, stop, ended: run.catch(reject) })
    }
    try {
      const hooks = await this.#all()
      await keepWebhooks(
        this.#state.db,
        hooks.map(({ url }) => url),
      )
      for (const hook of hooks) if (!this.#served.has(hook.url)) this.#serve(hook)
      if (!signal.aborted) await ended
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#serve = undefined
      for (const { stop } of this.#served.values()) stop.abort()
      await Promise.all([...this.#served.values()].map((each) => each.ended))
      this.#served.clear()
    }
  }

  async list(): Promise<ShownWebhook[]> {
    const hooks = await this.#all()
    return Promise.all(
      hooks.map(async (hook) => ({
        ...(await (this.#served.get(hook.url)?.delivery ?? this.#deliveryTo(hook)).status()),
        ...(hook.kinds && { kinds: hook.kinds }),
        ...{ source: this.#isOfSite(hook.url) ? 'site-file' : 'api', isSigned: hook.secret !== undefined },
      })),
    )
  }

  /** It is told what happens from now on. Throws Conflict. */
  async add(hook: Webhook): Promise<void> {
    const known = (await this.#all()).some(({ url }) => url === hook.url)
    if (known) throw new Conflict(`${withoutPassword(hook.url)} is there already; remove it first to change it`)
    await this.#state.commit(async (change) => {
      await insertReceiver(change.db, hook)
      await change.tell({ kind: 'server', message: `the webhook ${withoutPassword(hook.url)} was added` })
    })
    this.#serve?.(hook)
  }

  /** `name`: its URL, as it was given or as it is shown. Throws NotFound, and Conflict for one of the site file. */
  async remove(name: string): Promise<void> {
    const { url } = await this.#find(name)
    if (this.#isOfSite(url)) throw new Conflict(`${name} stands in the site file: take it out there`)
    const served = this.#served.get(url)
    served?.stop.abort()
    await served?.ended
    this.#served.delete(url)
    await this.#state.commit(async (change) => {
      await deleteReceiver(change.db, url)
      await change.tell({ kind: 'server', message: `the webhook ${withoutPassword(url)} was removed` })
    })
  }

  /** Sends it an event that is none, once, with its secret, now. Throws NotFound. */
  async test(name: string): Promise<PostOutcome> {
    const hook = await this.#find(name)
    const nowMs = this.#state.now()
    const event = { sequence: 0, at: nowMs, kind: 'server', message: 'a test of this webhook' } as const
    const body: WebhookBody = { events: [event] }
    const how = { timeoutMs: testTimeoutMs, signal: AbortSignal.timeout(testTimeoutMs), nowMs }
    return postWebhook(hook, JSON.stringify(body), how)
  }

  async #find(name: string): Promise<Webhook> {
    const found = (await this.#all()).find(({ url }) => url === name || withoutPassword(url) === name)
    if (!found) throw new NotFound(`There is no webhook ${name}; 'bootwright webhook list' shows them`)
    return found
  }

  /** What the site file says goes before. */
  async #all(): Promise<Webhook[]> {
    const added = (await listReceivers(this.#state.db)).filter(({ url }) => !this.#isOfSite(url))
    return [...this.#ofSite, ...added]
  }

  #isOfSite(name: string): boolean {
    return this.#ofSite.some(({ url }) => url === name)
  }

  #deliveryTo(hook: Webhook): WebhookDelivery {
    return new WebhookDelivery(hook, this.#state, this.#timing)
  }
}
