import { type Static, Type } from 'typebox'
import type { RamrootChoice } from './intent.ts'
import type { RamrootBoot } from './ramroot.ts'

/** How machines are moved to another version, few at first. */
export const UpdatePolicy = Type.Object(
  {
    canaries: Type.Integer({
      minimum: 0,
      maximum: 1000,
      description: 'So many come up before anything else is touched',
    }),
    batch: Type.Union([
      Type.Object({ machines: Type.Integer({ minimum: 1, maximum: 10_000 }) }, { additionalProperties: false }),
      Type.Object({ percent: Type.Integer({ minimum: 1, maximum: 100 }) }, { additionalProperties: false }),
    ]),
    maximumFailures: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      description: 'One more stops it; a canary always does',
    }),
    pauseSeconds: Type.Integer({ minimum: 0, maximum: 7 * 86_400, description: 'Between one batch and the next' }),
    timeLimitSeconds: Type.Integer({ minimum: 30, maximum: 86_400, description: 'For a machine to come up' }),
    by: Type.Union([Type.Literal('kexec'), Type.Literal('reboot')]),
  },
  { additionalProperties: false },
)
export type UpdatePolicy = Static<typeof UpdatePolicy>

export const usualUpdatePolicy: UpdatePolicy = {
  ...{ canaries: 1, batch: { percent: 10 }, maximumFailures: 0 },
  ...{ pauseSeconds: 0, timeLimitSeconds: 15 * 60, by: 'kexec' },
}

/**
 * waiting: nothing was done about it yet · told: it learns of it when it asks · fetching: it asked, and fetches what it restarts into ·
 * restarting · up: the version called · failed · skipped: it runs that version already, or cannot be reached.
 */
export const updateMachineStates = ['waiting', 'told', 'fetching', 'restarting', 'up', 'failed', 'skipped'] as const
export type UpdateMachineState = (typeof updateMachineStates)[number]

/** It was told, and its end is waited for. */
export const onItsWay = ['told', 'fetching', 'restarting'] as const satisfies UpdateMachineState[]

export function isOnItsWay({ state }: Pick<UpdateMachine, 'state'>): boolean {
  return onItsWay.some((each) => each === state)
}

/** Of one machine in an update. Times are milliseconds since the epoch. */
export type UpdateMachine = {
  machineId: string
  name: string
  /** The reference, and what it meant when the update was begun. */
  image: string
  version: string
  rendition: RamrootChoice['rendition']
  state: UpdateMachineState
  reason?: string
  by?: UpdatePolicy['by']
  /** When it came into this state. */
  changedAt: number
  toldAt?: number
  restartedAt?: number
}

export type Update = {
  id: string
  state: 'running' | 'stopped' | 'done'
  /** Why it stopped. */
  reason?: string
  /** What these machines run from now on, where that is not what they ran before. */
  to?: string
  policy: UpdatePolicy
  /** Failures from before it was continued. */
  forgivenFailures: number
  createdAt: number
  machines: UpdateMachine[]
}

/** Machines there can be by the thousand. */
export type UpdateHead = Omit<Update, 'machines'>

export type UpdateStep =
  | { kind: 'wait' }
  | { kind: 'tell'; machines: UpdateMachine[] }
  | { kind: 'stop'; because: string }
  | { kind: 'finish' }

/** What an update does now: a batch begins when all of the one before have ended. */
export function planUpdate({ policy, machines, forgivenFailures }: Update, now: number): UpdateStep {
  const inState = (...states: UpdateMachineState[]) => machines.filter(({ state }) => states.includes(state))
  const up = inState('up').length
  const isCanaryPhase = up < policy.canaries
  const failures = inState('failed').length - forgivenFailures
  if (failures > (isCanaryPhase ? 0 : policy.maximumFailures)) return { kind: 'stop', because: whyStopped(machines) }
  if (machines.some(isOnItsWay)) return { kind: 'wait' }
  const waiting = inState('waiting')
  if (waiting.length === 0) return { kind: 'finish' }
  const lastEnd = Math.max(...inState('up', 'failed').map(({ changedAt }) => changedAt))
  if (now < lastEnd + policy.pauseSeconds * 1000) return { kind: 'wait' }
  const size = isCanaryPhase ? policy.canaries - up : batchSize(policy, machines.length)
  return { kind: 'tell', machines: waiting.slice(0, size) }
}

function batchSize({ batch }: UpdatePolicy, total: number): number {
  return 'machines' in batch ? batch.machines : Math.max(1, Math.floor((total * batch.percent) / 100))
}

function whyStopped(machines: readonly UpdateMachine[]): string {
  const [last] = machines.filter(({ state }) => state === 'failed').sort((a, b) => b.changedAt - a.changedAt)
  return `${last?.name} failed: ${last?.reason}`
}

/** A machine that runs asks every half minute; one that did not by then is off, or does not know how. */
export const askLimitSeconds = 3 * 60

export type UpdateVerdict = { state: 'up' | 'failed' | 'skipped'; reason?: string }

/** How it ended for a machine that was told, by its boots (newest first); undefined while that is open. */
export function judgeUpdateMachine(
  machine: UpdateMachine,
  boots: readonly RamrootBoot[],
  { timeLimitSeconds }: UpdatePolicy,
  now: number,
): UpdateVerdict | undefined {
  const since = boots.filter(({ startedAt }) => startedAt >= (machine.toldAt ?? Number.POSITIVE_INFINITY))
  const cameUp = since.filter(({ state }) => state === 'up')
  if (cameUp.some(({ version }) => version === machine.version)) return { state: 'up' }
  const ended = since.find(({ state }) => state === 'failed' || state === 'silent')
  if (ended) return { state: 'failed', reason: `it did not come up: ${ended.failure}` }
  const [other] = cameUp
  if (other) return { state: 'failed', reason: `it runs ${other.version.slice(0, 12)} instead` }
  const isAsked = machine.state === 'told' && since.length === 0
  const limitSeconds = isAsked ? askLimitSeconds : timeLimitSeconds
  if (now - machine.changedAt <= limitSeconds * 1000) return undefined
  if (isAsked)
    return {
      state: 'skipped',
      reason: `it did not ask within ${minutes(limitSeconds)}: it is off, or cannot be reached`,
    }
  return { state: 'failed', reason: overdue(machine, since[0], limitSeconds) }
}

function overdue({ state }: UpdateMachine, boot: RamrootBoot | undefined, limitSeconds: number): string {
  const within = `within ${minutes(limitSeconds)}`
  if (state === 'fetching' && !boot) return `it fetches what it was told to run, and did not restart ${within}`
  const seen = boot?.state === 'starting' ? 'its early system was heard, and then nothing' : 'nothing was heard of it'
  return `it did not come up ${within}: ${seen}`
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} minutes`
}

/** `2 up, 1 failed, 3 waiting`: states that machines are in, in the order of their course. */
export function countStates({ machines }: Pick<Update, 'machines'>): string {
  const counts = updateMachineStates.map((state) => ({
    state,
    count: machines.filter((machine) => machine.state === state).length,
  }))
  return counts.flatMap(({ state, count }) => (count === 0 ? [] : [`${count} ${state}`])).join(', ')
}

/** From the restart to the version's own call. */
export function secondsDown({ state, restartedAt, changedAt }: UpdateMachine): number | undefined {
  return state === 'up' && restartedAt !== undefined ? (changedAt - restartedAt) / 1000 : undefined
}
