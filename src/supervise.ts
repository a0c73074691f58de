import type { Logger } from 'pino'

const firstBackOffMs = 200
const longestBackOffMs = 30_000
/** A part that ran this long had started well: its next failure is a new one. */
const steadyAfterMs = 60_000

/** A long-lived part of the service. It runs until the signal aborts; ending before that is a failure. */
export type Component = { name: string; run: (signal: AbortSignal) => Promise<void> }

/** Runs all parts until the signal aborts or one of them fails; then stops the rest. Rejects with the first failure. */
export async function runComponents(components: readonly Component[], signal: AbortSignal): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const results = await Promise.allSettled(
    components.map(async ({ name, run }) => {
      try {
        await run(both)
        if (!both.aborted) throw new Error('it ended by itself')
      } catch (cause) {
        if (both.aborted) return
        stop.abort()
        throw new Error(`${name}: ${(cause as Error).message}`, { cause })
      }
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/**
 * A part that is started again, with growing pauses, when it dies, so that the others go on. One that cannot even
 * start the first time (a port taken, a right missing) is a mistake of the operator's and ends the service with its
 * reason.
 */
export function restarting(
  component: Component,
  { log, onRestart }: { log: Logger; onRestart: (name: string, reason: string) => void },
): Component & { ready: () => void } {
  let hasBeenReady = false
  return {
    name: component.name,
    ready: () => {
      hasBeenReady = true
    },
    async run(signal) {
      let backOffMs = firstBackOffMs
      for (;;) {
        const startedAt = performance.now()
        const reason = await reasonOfEnd(component, signal)
        if (signal.aborted) return
        if (!hasBeenReady) throw reason
        if (performance.now() - startedAt > steadyAfterMs) backOffMs = firstBackOffMs
        log.error({ part: component.name, err: reason, backOffMs }, 'a part of the service died and is started again')
        onRestart(component.name, reason.message)
        await pause(backOffMs, signal)
        if (signal.aborted) return
        backOffMs = Math.min(backOffMs * 2, longestBackOffMs)
      }
    },
  }
}

async function reasonOfEnd(component: Component, signal: AbortSignal): Promise<Error> {
  try {
    await component.run(signal)
    return new Error('it ended by itself')
  } catch (error) {
    return error as Error
  }
}

/** Resolves after the time, or at once when the signal aborts. */
export function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(done, timeoutMs)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
