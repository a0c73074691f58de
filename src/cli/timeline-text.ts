import { printable } from '../bytes/printable.ts'
import type { TimelineEvent } from '../core/timeline.ts'

/** `2026-03-01 18:04:11  rack-1  …`: as `formatEvent`, of any day. */
export function formatPastEvent(event: TimelineEvent, machineName: string): string {
  const at = new Date(event.at)
  const [year, month, day] = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${year}-${month}-${day} ${formatEvent(event, machineName)}`
}

/** `18:04:11  rack-1  step        write done: 312.4 MB, 8.1 s, 38.6 MB/s`. */
export function formatEvent(event: TimelineEvent, machineName: string): string {
  const time = new Date(event.at).toTimeString().slice(0, 8)
  return `${time}  ${machineName.padEnd(14)}  ${event.kind.padEnd(10)}  ${printable(event.message, 1000)}`
}
