import { randomUUID } from 'node:crypto'
import { countBoot, defaultBootAttempts, noBoots } from '../core/boot-attempts.ts'
import {
  canErrandMove,
  describeWork,
  type Errand,
  type ErrandState,
  type ErrandStep,
  type ErrandWork,
} from '../core/errand.ts'
import type { Machine } from '../core/machine.ts'
import { oneLine } from '../core/one-line.ts'
import { type StepRecord, withStep } from '../core/step-records.ts'
import {
  deleteOutput,
  extendErrandDeadlines,
  findErrand,
  insertErrand,
  insertOutput,
  listErrands,
  listOverdueErrands,
  outputLength,
  readOutput,
  updateErrand,
} from '../store/errand-rows.ts'
import { describeDone } from './deployment-timeline.ts'
import { errandDeadlineSeconds, overdueErrandVerdict } from './errand-deadlines.ts'
import {
  enterErrand,
  failErrand,
  heardErrand,
  refuseErrandMove,
  refuseErrandReport,
  tellErrand,
  tellErrandStep,
} from './errand-moves.ts'
import { forgetWiped } from './forget-wiped.ts'
import { describeFruitless } from './fruitless-boots.ts'
import { findLastSight } from './last-sight.ts'
import { leaveErrandIntent, refuseBusy, setIntent, useUpIntent } from './machine-intent.ts'
import { NotFound } from './refusals.ts'
import type { ReportedWork } from './reported-work.ts'
import type { Change, StateChanges } from './state-changes.ts'

/** `once`: otherwise at every network boot. */
export type ErrandTerms = Pick<Errand, 'once'> & Partial<Pick<Errand, 'bootAttempts'>>

/** What goes on, or waits for something. */
export const timedStates: readonly ErrandState[] = ['queued', 'booting', 'running', 'frozen']
/** Of what a script says; the rest is on the machine's console. */
const keptOutputCharacters = 1024 * 1024

/** Errands through their states, together with the intent that each of them sets and uses up. */
export class Errands implements ReportedWork {
  readonly #state: StateChanges

  constructor(state: StateChanges) {
    this.#state = state
  }

  list(machineId?: string): Promise<Errand[]> {
    return listErrands(this.#state.db, machineId)
  }

  find(id: string): Promise<Errand | undefined> {
    return findErrand(this.#state.db, id)
  }

  /** Throws NotFound. */
  async get(id: string): Promise<Errand> {
    const errand = await this.find(id)
    if (!errand) throw new NotFound(`There is no errand "${id}"`)
    return errand
  }

  /** Throws Conflict when an order of the machine is under way. */
  async create(machine: Machine, work: ErrandWork, terms: ErrandTerms): Promise<Errand> {
    return this.#state.commit(async (change) => {
      await refuseBusy(change, machine)
      const state = 'queued'
      const errand: Errand = {
        ...{ id: randomUUID(), machineId: machine.id, work, bootAttempts: defaultBootAttempts, ...terms },
        ...{ boots: noBoots, state, steps: [] },
        createdAt: change.now,
        deadlineAt: change.now + errandDeadlineSeconds({ state, work }) * 1000,
      }
      await insertErrand(change.db, errand)
      await setIntent(change, machine.id, { kind: work.kind, errandId: errand.id })
      const when = terms.once ? 'at its next network boot' : 'at every network boot'
      await tellErrand(change, errand, state, `${machine.name} is to ${describeWork(work)} ${when}`)
      return errand
    })
  }

  /** The machine asks for the boot script of its intent; as Deployments.booting(). */
  async booting(id: string, tokenNonce: string): Promise<'booting' | 'failed'> {
    return this.#alter(id, async (change, errand) => {
      const boots = countBoot(errand.boots, tokenNonce)
      const step = errand.work.kind === 'kernel' ? 'boot-kernel' : 'boot'
      if (boots.fruitless > errand.bootAttempts) {
        const reason = describeFruitless(errand, 'order it again', change.now)
        await failErrand(change, errand, { step: errand.step ?? step, reason })
        return 'failed'
      }
      refuseErrandMove(errand, 'booting')
      await enterErrand(change, errand, 'booting', { boots, step })
      await tellErrand(change, errand, 'booting', 'the machine fetched its boot script')
      return 'booting'
    })
  }

  /** The agent was given the order. Asking again while it runs changes nothing. */
  async running(id: string): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      if (errand.state === 'running') return
      refuseErrandMove(errand, 'running')
      await enterErrand(change, errand, 'running', { heardAt: change.now })
      await tellErrand(change, errand, 'running', 'the agent has its order')
    })
  }

  async stepStarted(id: string, step: ErrandStep, detail?: string): Promise<void> {
    await this.#report(id, async (change, errand) => {
      const isFirst = errand.steps.length === 0 || errand.steps[0]?.step === step
      if (isFirst) await deleteOutput(change.db, id)
      // Canaries are written over what is there.
      if (step === 'plant-canaries') await this.#forgetWiped(change, errand)
      await this.#recordStep(change, errand, { step, state: 'started' })
      await tellErrandStep(change, errand, step, detail ? `${step}: ${detail}` : `${step} …`, { state: 'started' })
    })
  }

  async stepDone(
    id: string,
    step: ErrandStep,
    result: Pick<StepRecord, 'seconds' | 'bytes' | 'notice'> & { detail?: string },
  ): Promise<void> {
    await this.#report(id, async (change, errand) => {
      const { detail: _, ...record } = result
      await this.#recordStep(change, errand, { step, state: 'done', ...record })
      await tellErrandStep(change, errand, step, describeDone(step, result), { state: 'done', ...record })
      const { notice } = record
      if (notice !== undefined) await tellErrandStep(change, errand, step, `${step}: ${notice}`, { notice })
    })
  }

  /** Progress inside a step: shown to who watches, kept only as a later deadline, and as how far this boot got. */
  async stepProgress(id: string, step: ErrandStep, bytesDone: number, bytesTotal?: number): Promise<void> {
    const errand = await this.get(id)
    refuseErrandReport(errand)
    const share = bytesTotal ? bytesDone / bytesTotal : 0
    await updateErrand(this.#state.db, id, heardErrand(errand, step, share, this.#state.now()))
    const sizes = { bytesDone, ...(bytesTotal !== undefined && { bytesTotal }) }
    this.#state.showPassing({
      ...{ machineId: errand.machineId, errandId: id, kind: 'step' },
      ...{ message: step, data: { step, state: 'progress', ...sizes } },
    })
  }

  /** What a script said from its `offset` on; what was there already is not kept twice. */
  async output(id: string, offset: number, text: string): Promise<void> {
    await this.#report(id, async (change, errand) => {
      const kept = await outputLength(change.db, id)
      const fresh = text.slice(Math.max(0, kept - offset), keptOutputCharacters - offset)
      if (fresh !== '' && kept < keptOutputCharacters)
        await insertOutput(change.db, { errandId: id, start: kept, text: fresh })
      await updateErrand(change.db, id, heardErrand(errand, 'run-script', 0, change.now))
      const { machineId } = errand
      this.#state.showPassing({
        machineId,
        errandId: id,
        kind: 'output',
        message: oneLine(text, 200),
        data: { offset, text },
      })
    })
  }

  readOutput(id: string): Promise<string> {
    return readOutput(this.#state.db, id)
  }

  /** The work is done: from the commit of this on the machine boots what it boots while nothing is ordered. */
  async done(id: string, how: string, result?: unknown): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      if (errand.state === 'done') return
      const state = errand.once ? 'done' : 'queued'
      refuseErrandMove(errand, state)
      // The next boot of what is done at every boot is a beginning.
      const again = errand.once ? {} : { boots: noBoots }
      await enterErrand(change, errand, state, { ...again, ...(result !== undefined && { result }) })
      await this.#forgetWiped(change, errand)
      if (errand.once) await this.#useUp(change, errand)
      await tellErrand(change, errand, state, how)
    })
  }

  async failed(id: string, step: ErrandStep, reason: string, result?: unknown): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      if (errand.state !== 'failed') await failErrand(change, errand, { step, reason, result })
    })
  }

  async cancel(id: string): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      refuseErrandMove(errand, 'cancelled')
      await enterErrand(change, errand, 'cancelled', {})
      await leaveErrandIntent(change, errand)
      await tellErrand(change, errand, 'cancelled', 'cancelled by the operator')
    })
  }

  /** A boot token was exchanged twice, or the machine is held: a person decides. */
  async freeze(id: string, reason: string): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      if (!canErrandMove(errand.state, 'frozen')) return
      await enterErrand(change, errand, 'frozen', {})
      await setIntent(change, errand.machineId, { kind: 'discover' })
      await tellErrand(change, errand, 'frozen', reason)
    })
  }

  /** The machine is held for a person: what was not begun is frozen. */
  async hold(id: string, reason: string): Promise<void> {
    const { state } = await this.get(id)
    if (state === 'queued' || state === 'booting') await this.freeze(id, reason)
  }

  /** Ends what is past its deadline, by name. Called every few seconds. */
  async expireOverdue(): Promise<void> {
    for (const { id } of await listOverdueErrands(this.#state.db, timedStates, this.#state.now())) {
      await this.#alter(id, async (change, errand) => {
        if (errand.deadlineAt > change.now || !timedStates.includes(errand.state)) return
        const verdict = overdueErrandVerdict(errand, await findLastSight(change.db, errand), change.now)
        if (verdict.state === 'failed') return failErrand(change, errand, verdict)
        await enterErrand(change, errand, verdict.state, {})
        if (verdict.state === 'cancelled') await tellErrand(change, errand, verdict.state, verdict.reason)
      })
    }
  }

  /** After a start of the server: nobody could report while it was down. */
  async forgiveAbsence(seconds: number): Promise<void> {
    await extendErrandDeadlines(this.#state.db, timedStates, this.#state.now() + seconds * 1000)
  }

  /** Who was wiped has nothing to boot: it waits for what comes next. */
  async #useUp(change: Change, { machineId, work }: Errand): Promise<void> {
    await useUpIntent(change, machineId, work.kind === 'wipe' ? { kind: 'discover' } : undefined)
  }

  async #forgetWiped(change: Change, { machineId, work }: Errand): Promise<void> {
    if (work.kind === 'wipe') await forgetWiped(change, machineId, work)
  }

  async #recordStep(change: Change, errand: Errand, record: StepRecord<ErrandStep>): Promise<void> {
    const heard = heardErrand(errand, record.step, record.state === 'done' ? 1 : 0, change.now)
    await updateErrand(change.db, errand.id, { ...heard, steps: withStep(errand.steps, record) })
  }

  async #report(id: string, work: (change: Change, errand: Errand) => Promise<void>): Promise<void> {
    await this.#alter(id, async (change, errand) => {
      refuseErrandReport(errand)
      await work(change, errand)
    })
  }

  #alter<Result>(id: string, work: (change: Change, errand: Errand) => Promise<Result>): Promise<Result> {
    return this.#state.commit(async (change) => {
      const errand = await findErrand(change.db, id)
      if (!errand) throw new NotFound(`There is no errand "${id}"`)
      return work(change, errand)
    })
  }
}
