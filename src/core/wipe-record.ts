import { type Static, Type } from 'typebox'
import { Disk } from './inventory.ts'

/** One method that was tried on a disk. */
export const WipeAttemptRecord = Type.Object({
  /** In words: `NVMe format, user data erase`. */
  method: Type.String(),
  /** refused: it was not done, or not to its end · not-erased: the device said it is done, and what was read shows that it is not. */
  outcome: Type.Union([Type.Literal('erased'), Type.Literal('refused'), Type.Literal('not-erased')]),
  /** What the device, or its program, said. */
  answer: Type.String(),
  /** What reading back showed, in words. */
  verification: Type.Optional(Type.String()),
  seconds: Type.Number(),
})
export type WipeAttemptRecord = Static<typeof WipeAttemptRecord>

const factNames = ['device', 'bus', 'model', 'serial', 'wwn', 'sizeBytes'] as const

/** Of the inventory's facts those that tell which disk it was. */
const DiskFacts = Type.Pick(Disk, factNames)

export function diskFacts(disk: Disk): Static<typeof DiskFacts> {
  const known = factNames.filter((name) => disk[name] !== undefined)
  return Object.fromEntries(known.map((name) => [name, disk[name]])) as Static<typeof DiskFacts>
}

/** What was done to a disk, kept with the errand. Strings are the machine's claims and are escaped wherever they are shown. */
export const WipeRecord = Type.Object({
  ...DiskFacts.properties,
  erased: Type.Boolean(),
  attempts: Type.Array(WipeAttemptRecord),
  /** Methods that were not tried, each with its reason. */
  leftOut: Type.Array(Type.String()),
  /** What the method that erased it does not reach, as far as is known. */
  notReached: Type.Array(Type.String()),
  /** Why it is not erased. */
  failure: Type.Optional(Type.String()),
})
export type WipeRecord = Static<typeof WipeRecord>

/** The result of an errand of the kind `wipe`, also of one that failed. */
export const WipeResult = Type.Object({ disks: Type.Array(WipeRecord, { maxItems: 4096 }) })
export type WipeResult = Static<typeof WipeResult>

/** Which disk, by what does not change between boots. */
export function nameOfDisk({ device, model, serial }: WipeRecord): string {
  const facts = [model, serial && `serial ${serial}`].filter(Boolean).join(', ')
  return facts === '' ? device : `${device} [${facts}]`
}

/** What became of a disk, in one line. */
export function describeWiped(record: WipeRecord): string {
  const last = record.attempts.at(-1)
  if (!record.erased) return `NOT erased: ${record.failure ?? 'it was not finished'}`
  return `erased by ${last?.method}, ${last?.seconds.toFixed(1)} s; ${last?.verification}`
}
