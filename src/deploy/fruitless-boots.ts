import type { WorkStep } from '../core/agent-protocol.ts'
import { type BootAttempts, describeFurthest } from '../core/boot-attempts.ts'
import { describeSight, newestSight } from './last-sight.ts'

type FruitlessWork = { boots: BootAttempts; bootAttempts: number; step?: WorkStep; heardAt?: number }

/** Why a machine is not started into the same failure once more; `next`: what its operator does then. */
export function describeFruitless(work: FruitlessWork, next: string, now: number): string {
  const { boots, bootAttempts, step } = work
  const { furthest } = boots
  const began = `it was booted ${bootAttempts === 1 ? 'once' : `${bootAttempts} times`}`
  const advice = `look at its console, then ${next}`
  if (step === 'boot-kernel') {
    return `${began} and nothing ever fetched its done URL; usually means that the kernel, or what it runs, restarts the machine before: ${advice}`
  }
  if (furthest === undefined) {
    return `${began} and its agent never came to its order; usually means that the kernel or the ramdisk does not start, for want of memory or by a panic: ${advice}`
  }
  const heard = describeSight(newestSight(work, undefined, undefined), now)
  return `${began} and got no further than ${describeFurthest(furthest)}, ${heard}; usually means that it restarts by itself (power, memory, a hardware watchdog) or that a person does it: ${advice}`
}
