import type { TimelineEvent } from '../../core/timeline.ts'

/** The timeline did not show what was waited for. */
export class TimelineTimeout extends Error {
  override readonly name = 'TimelineTimeout'
  readonly awaited: string

  constructor(awaited: string, reason: string, last: TimelineEvent | undefined) {
    super(`The timeline did not show ${awaited}: ${reason}; its last event: ${last ? last.message : 'none'}`)
    this.awaited = awaited
  }
}

export type TimelineWait = { timeoutMs: number; what: string }

/** Gives the events after a sequence number and then those that happen; ends or throws when the service is gone. */
export type OpenEvents = (afterSequence: number, signal: AbortSignal) => AsyncIterable<TimelineEvent>

type Waiter = { matches: (event: TimelineEvent) => boolean; resolve: (event: TimelineEvent) => void }

const reconnectMs = 200

/** Follows a service's timeline, over restarts of the service, and lets one wait for events in it. */
export class Timeline implements Disposable {
  /** All so far, in order; passing ones (progress inside a step) are left out. */
  readonly events: TimelineEvent[] = []
  readonly #open: OpenEvents
  readonly #onEvent: (event: TimelineEvent) => void
  readonly #waiters = new Set<Waiter>()
  readonly #ended = new AbortController()

  constructor(open: OpenEvents, onEvent: (event: TimelineEvent) => void) {
    this.#open = open
    this.#onEvent = onEvent
    void this.#follow()
  }

  /** Resolves with the first event that matches, past ones included. Rejects with TimelineTimeout. */
  async waitFor(matches: (event: TimelineEvent) => boolean, { timeoutMs, what }: TimelineWait): Promise<TimelineEvent> {
    const past = this.events.find(matches)
    if (past) return past
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        this.#waiters.delete(waiter)
        reject(new TimelineTimeout(what, reason, this.events.at(-1)))
      }
      const timer = setTimeout(() => fail(`${timeoutMs / 1000} s passed`), timeoutMs)
      const waiter: Waiter = {
        matches,
        resolve: (event) => {
          clearTimeout(timer)
          resolve(event)
        },
      }
      this.#waiters.add(waiter)
      this.#ended.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        fail('the rack was closed')
      })
    })
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  async #follow(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        const after = this.events.at(-1)?.sequence ?? 0
        for await (const event of this.#open(after, this.#ended.signal)) this.#take(event)
      } catch {
        // the service is being restarted, or was stopped: what matters is whether the awaited event comes in time
      }
      await new Promise((resolve) => setTimeout(resolve, reconnectMs))
    }
  }

  #take(event: TimelineEvent): void {
    if (event.sequence > 0) this.events.push(event)
    this.#onEvent(event)
    for (const waiter of this.#waiters) {
      if (!waiter.matches(event)) continue
      this.#waiters.delete(waiter)
      waiter.resolve(event)
    }
  }
}
