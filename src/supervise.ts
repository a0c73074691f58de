import type { Worker } from 'node:worker_threads'
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
 * A part in a worker thread of its own, started again with growing pauses when it dies, so that the others go on.
 * `start` makes the worker and connects it.
 */
export function supervisedWorker(
  name: string,
  start: () => Worker,
  { log, onRestart }: { log: Logger; onRestart: (name: string, reason: string) => void },
): Component {
  return {
    name,
    async run(signal) {
      let backOffMs = firstBackOffMs
      while (!signal.aborted) {
        const startedAt = performance.now()
        const reason = await lifeOf(start(), signal)
        if (signal.aborted) return
        if (performance.now() - startedAt > steadyAfterMs) backOffMs = firstBackOffMs
        log.error({ part: name, reason, backOffMs }, 'a part of the service died and is started again')
        onRestart(name, reason)
        await pause(backOffMs, signal)
        backOffMs = Math.min(backOffMs * 2, longestBackOffMs)
      }
    },
  }
}

/** Why the worker ended. */
function lifeOf(worker: Worker, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let reason = 'it ended by itself'
    const stop = () => void worker.terminate()
    signal.addEventListener('abort', stop, { once: true })
    worker.once('error', (error) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.once('exit', () => {
      signal.removeEventListener('abort', stop)
      resolve(reason)
    })
  })
}

function pause(timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, timeoutMs)
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}
