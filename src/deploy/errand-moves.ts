import { getTo } from '../core/boot-attempts.ts'
import { canErrandMove, type Errand, type ErrandState, type ErrandStep, errandSteps } from '../core/errand.ts'
import { withStep } from '../core/step-records.ts'
import { type ErrandChange, updateErrand } from '../store/errand-rows.ts'
import { errandDeadlineSeconds } from './errand-deadlines.ts'
import { leaveErrandIntent } from './machine-intent.ts'
import { Conflict } from './refusals.ts'
import type { Change } from './state-changes.ts'

/** The errand is in that state from now on, with the deadline that belongs to it. */
export async function enterErrand(
  change: Change,
  errand: Errand,
  state: ErrandState,
  more: ErrandChange,
): Promise<void> {
  const seconds = errandDeadlineSeconds({ ...errand, ...more, state })
  await updateErrand(change.db, errand.id, {
    ...more,
    state,
    deadlineAt: change.now + seconds * 1000,
    ...(seconds === 0 && { finishedAt: change.now }),
  })
}

/** The agent reported from this step: what that changes. */
export function heardErrand(errand: Errand, step: ErrandStep, share: number, now: number): ErrandChange {
  const { boots: before, work, state } = errand
  // A script that goes on after it said that it is done gets no further by that.
  const boots = state === 'running' ? getTo<ErrandStep>(before, errandSteps[work.kind], { step, share }) : before
  return {
    step,
    heardAt: now,
    deadlineAt: now + errandDeadlineSeconds({ ...errand, step }) * 1000,
    ...(boots !== before && { boots }),
  }
}

type ErrandEnd = { step: ErrandStep; reason: string; result?: unknown }

/** Ends it at a step: its machine is not sent into the same failure again. Throws Conflict. */
export async function failErrand(change: Change, errand: Errand, { step, reason, result }: ErrandEnd): Promise<void> {
  refuseErrandMove(errand, 'failed')
  await enterErrand(change, errand, 'failed', {
    ...{ step, steps: withStep(errand.steps, { step, state: 'failed' }), failure: reason },
    ...(result !== undefined && { result }),
  })
  await leaveErrandIntent(change, errand)
  await tellErrand(change, errand, 'failed', `at ${step}: ${reason}`)
}

/** Throws Conflict. */
export function refuseErrandMove(errand: Errand, to: ErrandState): void {
  if (canErrandMove(errand.state, to)) return
  throw new Conflict(`The order ${errand.work.kind} (${errand.id}) is ${errand.state}; it cannot become ${to}`)
}

/** Of what is no longer worked on the agent reports nothing. A script that said that it is done may go on. Throws Conflict. */
export function refuseErrandReport(errand: Errand): void {
  const saidDone = errand.work.kind === 'run' && (errand.state === 'done' || errand.state === 'queued')
  if (errand.state === 'running' || saidDone) return
  throw new Conflict(
    `The order ${errand.work.kind} (${errand.id}) is ${errand.state}; nothing more is to be done for it`,
  )
}

export async function tellErrand(change: Change, errand: Errand, state: ErrandState, message: string): Promise<void> {
  const { machineId, id, work } = errand
  const words = state === 'failed' ? `failed ${message}` : `${state}: ${message}`
  await change.tell({
    ...{ machineId, errandId: id, kind: 'errand' },
    ...{ message: `${work.kind} ${words}`, data: { kind: work.kind, state } },
  })
}

export async function tellErrandStep(
  change: Change,
  { machineId, id }: Errand,
  step: ErrandStep,
  message: string,
  data: object,
): Promise<void> {
  await change.tell({ machineId, errandId: id, kind: 'step', message, data: { step, ...data } })
}
