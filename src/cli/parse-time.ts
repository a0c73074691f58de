import { InvalidArgumentError } from 'commander'

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const day = units.d

/** `+2h`, `22:30` (the next one, local time) or a date with a time; milliseconds since the epoch. Throws InvalidArgumentError. */
export function parseTime(text: string, now: number): number {
  const ahead = /^\+(\d+)([smhd])$/.exec(text)
  if (ahead) return now + Number(ahead[1]) * units[ahead[2] as keyof typeof units]
  const clock = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text)
  if (clock) {
    const today = new Date(now).setHours(Number(clock[1]), Number(clock[2]), 0, 0)
    return today > now ? today : today + day
  }
  const at = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
  if (Number.isNaN(at)) throw new InvalidArgumentError('say +2h, 22:30, or a date with its time: 2027-01-31T02:00')
  if (at <= now) throw new InvalidArgumentError(`${text} has passed`)
  return at
}
