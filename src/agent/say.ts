import { uptime } from 'node:os'
import { oneLine } from '../core/one-line.ts'

type Print = (line: string) => void
/** `isPassing`: what is drawn in place says the same. */
type Sink = (line: string, print: Print, isPassing: boolean) => void

const print: Print = (line) => void process.stdout.write(`${line}\n`)
let sink: Sink = print

/** One line on the machine's console, with the seconds since its kernel started. */
export function say(text: string, { isPassing = false } = {}): void {
  sink(`[${uptime().toFixed(1).padStart(7)}] ${oneLine(text, 4000)}`, print, isPassing)
}

/** Several lines, such as a failure with a program's output. */
export function sayLines(text: string): void {
  for (const line of text.split('\n')) say(line)
}

/** Another program's words as they come, which are no whole lines. */
export function sayOutput(text: string): void {
  sink(oneLine(text, 4000), () => void process.stdout.write(text), false)
}

/** What is said goes to whoever draws on the consoles, from now on; `print` puts a line where it would have gone. */
export function divertWords(to: Sink): void {
  sink = to
}
