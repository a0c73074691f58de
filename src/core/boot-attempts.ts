import { type BootAttempts, type DeployStep, deploySteps, type Furthest } from './deployment.ts'

export const noBoots: BootAttempts = { fruitless: 0 }

/** So many boots that get no further are enough, where the order does not say otherwise. */
export const defaultBootAttempts = 3

/**
 * Less than this of a step's bytes more than before is no progress: a machine that dies every time at about the same place
 * gets a little further or less far by chance.
 */
const leastProgress = 0.05

/** Gives `attempts` itself where it is the boot that was counted already. */
export function countBoot(attempts: BootAttempts, tokenNonce: string): BootAttempts {
  if (attempts.tokenNonce === tokenNonce) return attempts
  return { ...attempts, fruitless: attempts.fruitless + 1, tokenNonce }
}

/** The agent got there. Gives `attempts` itself where an earlier boot did. */
export function getTo(attempts: BootAttempts, step: DeployStep, share: number): BootAttempts {
  return isFurther({ step, share }, attempts.furthest)
    ? { ...attempts, fruitless: 1, furthest: { step, share } }
    : attempts
}

function isFurther(here: Furthest, furthest: Furthest | undefined): boolean {
  if (furthest === undefined) return true
  const steps = placeOf(here.step) - placeOf(furthest.step)
  return steps > 0 || (steps === 0 && here.share >= furthest.share + leastProgress)
}

/** Whether the step was begun in any of the boots. */
export function hasReached({ furthest }: BootAttempts, step: DeployStep): boolean {
  return furthest !== undefined && placeOf(furthest.step) >= placeOf(step)
}

/** `write, at 40 %`. */
export function describeFurthest({ step, share }: Furthest): string {
  if (share >= 1) return `${step}, which was done`
  return share > 0 ? `${step}, at ${Math.floor(share * 100)} %` : step
}

function placeOf(step: DeployStep): number {
  return deploySteps.indexOf(step)
}
