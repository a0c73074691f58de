const secondsIn: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds of `90s`, `30m`, `4h`, `1d`, or of a number alone; undefined for anything else, and for nothing. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  const seconds = Number(number ?? 0) * secondsIn[unit]!
  return seconds === 0 ? undefined : seconds
}
