import { setTimeout as wait } from 'node:timers/promises'

const firstMs = 250
const longestMs = 15_000

/**
 * The pause before attempt `attempt` (1 is the first retry): doubles from 250 ms to 15 s, of which a random half is
 * taken off, so that a rack that lost its server together does not come back together. `random` is in [0, 1).
 */
export function backOffMs(attempt: number, random: number): number {
  const ceilingMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16))
  return ceilingMs * (1 - random / 2)
}

export async function backOff(attempt: number, signal?: AbortSignal): Promise<void> {
  await wait(backOffMs(attempt, Math.random()), undefined, signal === undefined ? {} : { signal })
}
