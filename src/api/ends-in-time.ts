import { setTimeout as wait } from 'node:timers/promises'

/** An agent asks again before its own patience ends. */
const holdMs = 20_000

/** Whether the work ended while a request can be held; it goes on where it did not. Throws what the work throws meanwhile. */
export async function endsInTime(work: Promise<unknown>, timeoutMs = holdMs): Promise<boolean> {
  const stop = new AbortController()
  const held = wait(timeoutMs, false, { signal: stop.signal })
  held.catch(() => undefined) // stopped, because the work ended first
  work.catch(() => undefined) // who asks again learns it
  try {
    return await Promise.race([work.then(() => true), held])
  } finally {
    stop.abort()
  }
}
