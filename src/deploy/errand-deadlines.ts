import { type Errand, type ErrandStep, errandSteps } from '../core/errand.ts'

const minute = 60
const day = 24 * 60 * minute

/** How long an errand may stay in its state without a word; 0 where it has ended. */
export function errandDeadlineSeconds({ state, work }: Pick<Errand, 'state' | 'work'>): number {
  switch (state) {
    case 'queued':
    case 'frozen':
      return 7 * day
    case 'booting':
      return work.kind === 'kernel' ? work.timeoutSeconds : 15 * minute
    case 'running':
      return 15 * minute
    default:
      return 0
  }
}

export type ErrandVerdict =
  | { state: 'failed'; step: ErrandStep; reason: string }
  | { state: 'cancelled'; reason: string }
  /** Nobody waits for a machine that is to do it at every boot. */
  | { state: 'queued'; reason: string }

/** What an errand past its deadline becomes, in words that say what that usually means. */
export function overdueErrandVerdict(errand: Errand): ErrandVerdict {
  const step = errand.step ?? errandSteps[errand.work.kind][0]
  switch (errand.state) {
    case 'frozen':
      return { state: 'cancelled', reason: 'nobody decided within 7 days' }
    case 'queued':
      if (!errand.once) return { state: 'queued', reason: 'it waits for the next boot' }
      return failed(step, 'the machine did not network-boot within 7 days. Usually it is off, or boots its disk first')
    case 'booting':
      return failed(step, whyNotUp(errand))
    default:
      return failed(
        step,
        'the agent was last heard of 15 minutes ago. Usually the machine lost power or its network: look at its console',
      )
  }
}

function failed(step: ErrandStep, reason: string): ErrandVerdict {
  return { state: 'failed', step, reason }
}

function whyNotUp({ work }: Errand): string {
  if (work.kind === 'kernel') {
    return `nothing fetched its done URL within ${work.timeoutSeconds} s of the boot script. Usually the kernel or what it runs has stopped: look at the machine's console`
  }
  return 'the agent was not heard of within 15 minutes of the boot script. Usually the kernel found no driver for the network card, or its link needs longer (spanning tree, LACP): look at its console'
}
