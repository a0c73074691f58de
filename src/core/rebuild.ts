import { type Static, Type } from 'typebox'

/** How a version that was rebuilt becomes the image's current one. `boot-test`: when a virtual machine has booted it. */
export const Promotion = Type.Union([Type.Literal('at-once'), Type.Literal('boot-test'), Type.Literal('by-hand')])
export type Promotion = Static<typeof Promotion>

/** Of an image that is built from a recipe: built when the sources offer newer packages than it has, those for security or all. */
export const UpdatesWanted = Type.Union([Type.Literal('security'), Type.Literal('all')])
export type UpdatesWanted = Static<typeof UpdatesWanted>

/** A newer version of a package than an image has. `isSecurity`: an archive for security updates offers it. */
export type Upgrade = { name: string; from: string; to: string; isSecurity: boolean }

/** What was found and done at a look at the model. Times are milliseconds since the epoch. */
export type RebuildOutcome = {
  at: number
  kind: 'unchanged' | 'promoted' | 'candidate' | 'failed'
  /** Of what was built. */
  version?: string
  /** What it was built for, where that was newer packages. */
  upgrades?: Upgrade[]
  message: string
}

/** `HH:MM` every day, local time, or every so many minutes, hours or days. */
export const everyPattern = '^(([01]\\d|2[0-3]):[0-5]\\d|[1-9]\\d{0,3}[mhd])$'

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** When it is due next, strictly after `after`. */
export function nextTime(every: string, after: number): number {
  const period = /^(\d+)([mhd])$/.exec(every)
  if (period) return after + Number(period[1]) * units[period[2] as keyof typeof units]
  const [hours, minutes] = every.split(':').map(Number)
  const day = new Date(after)
  const at = (days: number) =>
    new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, hours, minutes).getTime()
  return at(0) > after ? at(0) : at(1)
}
