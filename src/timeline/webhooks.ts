import type { StateChanges } from '../deploy/state-changes.ts'
import { keepWebhooks } from '../store/webhook-rows.ts'
import type { Webhook, WebhookStatus } from './webhook.ts'
import { WebhookDelivery, type WebhookTiming } from './webhook-delivery.ts'

/** All receivers of a service, each served by itself. */
export class Webhooks {
  readonly #state: StateChanges
  readonly #deliveries: readonly WebhookDelivery[]

  /** `hooks`: with one URL each. */
  constructor(hooks: readonly Webhook[], state: StateChanges, timing: Partial<WebhookTiming> = {}) {
    this.#state = state
    this.#deliveries = hooks.map((hook) => new WebhookDelivery(hook, state, timing))
  }

  /** Until the signal aborts; rejects with the first fault of ours. */
  async run(signal: AbortSignal): Promise<void> {
    const urls = this.#deliveries.map(({ hook }) => hook.url)
    await keepWebhooks(this.#state.db, urls)
    await Promise.all(this.#deliveries.map((delivery) => delivery.run(signal)))
  }

  status(): Promise<WebhookStatus[]> {
    return Promise.all(this.#deliveries.map((delivery) => delivery.status()))
  }
}
