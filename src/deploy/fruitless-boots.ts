import { describeFurthest } from '../core/boot-attempts.ts'
import type { Deployment } from '../core/deployment.ts'
import { describeSight, newestSight } from './last-sight.ts'

/** Why a machine is not started into the same failure once more. */
export function describeFruitless(deployment: Deployment, now: number): string {
  const { boots, bootAttempts } = deployment
  const { furthest } = boots
  const began = `it was booted ${bootAttempts === 1 ? 'once' : `${bootAttempts} times`}`
  if (furthest === undefined) {
    return `${began} and its agent never came to its order; usually means that the kernel or the ramdisk does not start, for want of memory or by a panic: look at its console, then 'bootwright retry'`
  }
  const heard = describeSight(newestSight(deployment, undefined, undefined), now)
  return `${began} and got no further than ${describeFurthest(furthest)}, ${heard}; usually means that it restarts by itself (power, memory, a hardware watchdog) or that a person does it: look at its console, then 'bootwright retry'`
}
