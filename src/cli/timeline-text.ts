import { printable } from '../bytes/printable.ts'
import type { TimelineEvent } from '../core/timeline.ts'

/** `18:04:11  rack-1  step        write done: 312.4 MB, 8.1 s, 38.6 MB/s`. */
export function formatEvent(event: TimelineEvent, machineName: string): string {
  const time = new Date(event.at).toTimeString().slice(0, 8)
  return `${time}  ${machineName.padEnd(14)}  ${event.kind.padEnd(10)}  ${printable(event.message, 1000)}`
}
