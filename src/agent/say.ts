import { uptime } from 'node:os'
import { oneLine } from '../core/one-line.ts'

/** One line on the machine's console, with the seconds since its kernel started. */
export function say(text: string): void {
  process.stdout.write(`[${uptime().toFixed(1).padStart(7)}] ${oneLine(text, 4000)}\n`)
}

/** Several lines, such as a failure with a program's output. */
export function sayLines(text: string): void {
  for (const line of text.split('\n')) say(line)
}
