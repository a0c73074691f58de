/** How far work got; `share` of the step's bytes, 1 where it is done. */
export type Furthest<Step extends string = string> = { step: Step; share: number }

/** The boots of one deployment or errand. */
export type BootAttempts<Step extends string = string> = {
  /** Boots since it last got further, with the one in which it did. */
  fruitless: number
  /** Of the boot token that the newest of them came with: a script that is fetched again is no other boot. */
  tokenNonce?: string
  furthest?: Furthest<Step>
}

export const noBoots: BootAttempts<never> = { fruitless: 0 }

/** So many boots that get no further are enough, where the order does not say otherwise. */
export const defaultBootAttempts = 3

/**
 * Less than this of a step's bytes more than before is no progress: a machine that dies every time at about the same place
 * gets a little further or less far by chance.
 */
const leastProgress = 0.05

/** Gives `attempts` itself where it is the boot that was counted already. */
export function countBoot<Step extends string>(attempts: BootAttempts<Step>, tokenNonce: string): BootAttempts<Step> {
  if (attempts.tokenNonce === tokenNonce) return attempts
  return { ...attempts, fruitless: attempts.fruitless + 1, tokenNonce }
}

/** The agent got there, of the work's `steps` in order. Gives `attempts` itself where an earlier boot did. */
export function getTo<Step extends string>(
  attempts: BootAttempts<Step>,
  steps: readonly Step[],
  here: Furthest<Step>,
): BootAttempts<Step> {
  return isFurther(steps, here, attempts.furthest) ? { ...attempts, fruitless: 1, furthest: here } : attempts
}

function isFurther<Step extends string>(
  steps: readonly Step[],
  here: Furthest<Step>,
  furthest: Furthest<Step> | undefined,
): boolean {
  if (furthest === undefined) return true
  const ahead = steps.indexOf(here.step) - steps.indexOf(furthest.step)
  return ahead > 0 || (ahead === 0 && here.share >= furthest.share + leastProgress)
}

/** Whether the step, of the work's `steps` in order, was begun in any of the boots. */
export function hasReached<Step extends string>(
  { furthest }: BootAttempts<Step>,
  steps: readonly Step[],
  step: NoInfer<Step>,
): boolean {
  return furthest !== undefined && steps.indexOf(furthest.step) >= steps.indexOf(step)
}

/** `write, at 40 %`. */
export function describeFurthest({ step, share }: Furthest): string {
  if (share >= 1) return `${step}, which was done`
  return share > 0 ? `${step}, at ${Math.floor(share * 100)} %` : step
}
