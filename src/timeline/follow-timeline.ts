import type { TimelineEvent } from '../core/timeline.ts'
import type { StateChanges } from '../deploy/state-changes.ts'
import { type EventQuery, isOfQuery, listEvents } from '../store/event-rows.ts'

/** Events that a reader has not taken yet and that are kept for it in memory; a slower reader's are read again from the database. */
const mostWaiting = 1000
const pageEvents = 500

/**
 * What happened (behind `afterSequence`, or the newest `limit`), then what happens, as fast as the reader takes it: nothing that
 * is kept is left out, however slow it is. Passing events are left out for a reader that is behind. Ends with the signal.
 */
export async function* followTimeline(
  state: StateChanges,
  query: EventQuery,
  signal: AbortSignal,
): AsyncGenerator<TimelineEvent> {
  const waiting: TimelineEvent[] = []
  let isBehind = false
  let wake = () => {}
  const stop = state.onEvent((event) => {
    if (!isOfQuery(event, query)) return
    if (waiting.length < mostWaiting) waiting.push(event)
    else if (event.sequence !== 0) {
      waiting.length = 0
      isBehind = true
    }
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    let seen = query.afterSequence ?? 0
    const isForward = query.afterSequence !== undefined || query.since !== undefined
    if (isForward) isBehind = true
    else {
      for (const event of await listEvents(state.db, query)) {
        seen = event.sequence
        yield event
      }
    }
    while (!signal.aborted) {
      while (isBehind) {
        isBehind = false
        for await (const event of pastEvents(state, { ...query, afterSequence: seen })) {
          seen = event.sequence
          yield event
        }
      }
      const event = waiting.shift()
      if (!event) {
        const woken = Promise.withResolvers<void>()
        wake = woken.resolve
        if (!signal.aborted) await woken.promise
      } else if (event.sequence === 0) yield event
      else if (event.sequence > seen) {
        seen = event.sequence
        yield event
      }
    }
  } finally {
    stop()
    signal.removeEventListener('abort', onAbort)
  }
}

/** Page by page, so that neither the reader's memory nor ours has all of it. */
async function* pastEvents(
  state: StateChanges,
  query: EventQuery & { afterSequence: number },
): AsyncGenerator<TimelineEvent> {
  let { afterSequence } = query
  for (;;) {
    const page = await listEvents(state.db, { ...query, afterSequence, limit: pageEvents })
    yield* page
    if (page.length < pageEvents) return
    afterSequence = page.at(-1)!.sequence
  }
}
