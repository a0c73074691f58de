import { stripVTControlCharacters } from 'node:util'
import type { TimelineEvent } from '../core/timeline.ts'

/** `18:04:11  rack-1  step        write done: 312.4 MB, 8.1 s, 38.6 MB/s`. */
export function formatEvent(event: TimelineEvent, machineName: string): string {
  const time = new Date(event.at).toTimeString().slice(0, 8)
  return `${time}  ${machineName.padEnd(14)}  ${event.kind.padEnd(10)}  ${printable(event.message)}`
}

/** What a machine said must not move the cursor of whoever reads it. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '·')
}
