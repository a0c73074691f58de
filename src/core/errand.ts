import { type Static, Type } from 'typebox'
import { type BootAttempts, hasReached } from './boot-attempts.ts'
import { DiskRule } from './disk-rule.ts'
import { KernelChoice } from './intent.ts'
import type { StepRecord } from './step-records.ts'

export const WipeMethod = Type.Union([
  Type.Literal('auto'),
  Type.Literal('sanitize'),
  Type.Literal('format'),
  Type.Literal('secure-erase'),
  Type.Literal('discard'),
  Type.Literal('overwrite'),
])
export type WipeMethod = Static<typeof WipeMethod>

export const WipeWork = Type.Object(
  {
    kind: Type.Literal('wipe'),
    /** `all`: every fixed disk. */
    disks: Type.Union([Type.Literal('all'), DiskRule]),
    method: WipeMethod,
  },
  { additionalProperties: false },
)
export type WipeWork = Static<typeof WipeWork>

/** What is longer is fetched by the script itself. */
export const longestScriptBytes = 1024 * 1024
const longestScriptText = Math.ceil(longestScriptBytes / 3) * 4

export const RunWork = Type.Object(
  {
    kind: Type.Literal('run'),
    /** What the operator calls it, for people. */
    name: Type.String({ minLength: 1, maxLength: 200 }),
    /** Its bytes, base64, for it may be a program; or where the machine fetches it. */
    script: Type.Optional(Type.String({ maxLength: longestScriptText, pattern: '^[A-Za-z0-9+/]+={0,2}$' })),
    url: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 2000 })),
    arguments: Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 64 }),
    timeoutSeconds: Type.Integer({ minimum: 1, maximum: 7 * 86_400 }),
    /** What the machine does when it is done. */
    afterwards: Type.Union([Type.Literal('reboot'), Type.Literal('stay'), Type.Literal('power-off')]),
  },
  { additionalProperties: false },
)
export type RunWork = Static<typeof RunWork>

export const RescueWork = Type.Object(
  {
    kind: Type.Literal('rescue'),
    /** Who may log in: lines of an authorized_keys file. */
    sshKeys: Type.Array(Type.String({ maxLength: 8192, pattern: '^[^\\n\\r]+$' }), { maxItems: 256 }),
  },
  { additionalProperties: false },
)
export type RescueWork = Static<typeof RescueWork>

/** Done when the machine has fetched its script, or, where its arguments have `{{done}}`, when that URL is fetched. */
export const KernelWork = Type.Object(
  { kind: Type.Literal('kernel'), boot: KernelChoice, timeoutSeconds: Type.Integer({ minimum: 1 }) },
  { additionalProperties: false },
)
export type KernelWork = Static<typeof KernelWork>

export const ErrandWork = Type.Union([WipeWork, RunWork, RescueWork, KernelWork])
export type ErrandWork = Static<typeof ErrandWork>

/** The work of each kind, in order; a failure names its step. `boot` is the machine's way to its order. */
export const errandSteps = {
  wipe: ['boot', 'select-disks', 'plant-canaries', 'erase', 'verify'],
  run: ['boot', 'fetch-script', 'run-script'],
  rescue: ['boot', 'assemble', 'ssh'],
  kernel: ['boot', 'boot-kernel'],
} as const satisfies Record<ErrandWork['kind'], readonly string[]>
export type ErrandStep = (typeof errandSteps)[ErrandWork['kind']][number]

/** As of a deployment; `done`: the agent, or a script, said that it is. */
export type ErrandState = 'queued' | 'booting' | 'running' | 'done' | 'failed' | 'cancelled' | 'frozen'

/** What is to be done again at the next boot is queued again when it is done. */
export const errandTransitions = {
  queued: ['booting', 'running', 'done', 'failed', 'cancelled', 'frozen'],
  booting: ['booting', 'running', 'done', 'queued', 'failed', 'cancelled', 'frozen'],
  running: ['booting', 'running', 'done', 'queued', 'failed', 'cancelled', 'frozen'],
  frozen: ['cancelled', 'failed'],
  done: [],
  failed: [],
  cancelled: [],
} as const satisfies Record<ErrandState, readonly ErrandState[]>

export function canErrandMove(from: ErrandState, to: ErrandState): boolean {
  return (errandTransitions[from] as readonly ErrandState[]).includes(to)
}

/** One piece of work of the agent's that is no deployment. Times are milliseconds since the epoch. */
export type Errand = {
  id: string
  machineId: string
  work: ErrandWork
  /** Otherwise it is done at every network boot, until it is cancelled. */
  once: boolean
  /** After so many boots that got no further it fails. */
  bootAttempts: number
  boots: BootAttempts<ErrandStep>
  state: ErrandState
  step?: ErrandStep
  failure?: string
  steps: StepRecord<ErrandStep>[]
  /** What the agent found or did, by the kind of work. */
  result?: unknown
  createdAt: number
  deadlineAt: number
  /** When its agent last reported something. */
  heardAt?: number
  finishedAt?: number
}

/** Whether the step was begun in any boot of the errand. */
export function hasErrandBegun({ boots, work }: Pick<Errand, 'boots' | 'work'>, step: ErrandStep): boolean {
  return hasReached(boots, errandSteps[work.kind], step)
}

/** A script may have secrets in it, and is long: it has its own ways. */
export function withoutScript<Work extends ErrandWork>(work: Work): Work {
  if (work.kind !== 'run') return work
  const { script: _, ...rest } = work
  return rest as Work
}

/** For the timeline: what is to be done. */
export function describeWork(work: ErrandWork): string {
  switch (work.kind) {
    case 'wipe':
      return work.disks === 'all' ? 'wipe all its disks' : 'wipe a disk'
    case 'run':
      return `run ${work.name}`
    case 'rescue':
      return 'be a rescue system'
    case 'kernel':
      return `boot the kernel ${work.boot.kernel}`
  }
}
