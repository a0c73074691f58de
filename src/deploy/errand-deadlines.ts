import type { Errand, ErrandStep } from '../core/errand.ts'
import type { Sight } from './last-sight.ts'
import { describeAbsence, patienceSeconds, type SilentVerdict, silenceSeconds, silentVerdict } from './silence.ts'

/** How long an errand may stay in its state without a word; 0 where it has ended. */
export function errandDeadlineSeconds({ state, work, step = 'boot' }: Pick<Errand, 'state' | 'work' | 'step'>): number {
  switch (state) {
    case 'queued':
    case 'frozen':
      return patienceSeconds
    case 'booting':
      return work.kind === 'kernel' ? work.timeoutSeconds : silenceSeconds('boot')
    case 'running':
      return silenceSeconds(step)
    default:
      return 0
  }
}

export type ErrandVerdict =
  | SilentVerdict<ErrandStep>
  /** Nobody waits for a machine that is to do it at every boot. */
  | { state: 'queued' }

/** What an errand past its deadline becomes, in words that say when the machine was last seen, and what that usually means. */
export function overdueErrandVerdict(errand: Errand, sight: Sight | undefined, now: number): ErrandVerdict {
  const { state, once, work } = errand
  if (state === 'queued' && !once) return { state: 'queued' }
  if (state !== 'booting' || work.kind !== 'kernel') return silentVerdict(errand, sight, now)
  const silence = `nothing fetched its done URL within ${work.timeoutSeconds} s of its boot script`
  const reason = `${silence}, ${describeAbsence(errand, sight, now)}: look at its console`
  return { state: 'failed', step: 'boot-kernel', reason }
}
