import { formatBytes, formatDuration } from './output.ts'

const barWidth = 24
const redrawMs = 100
/** Without a terminal a line now and then is enough for a log. */
const logEveryMs = 5000

/** One line on stderr that shows bytes, rate and time left; on something that is no terminal, a line every 5 s. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream
  #label = ''
  #startedAt = 0
  #drawnAt = 0
  #onScreen = false

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
  }

  /** A new label starts the clock anew. */
  update(label: string, done?: number, total?: number, unit?: 'pieces'): void {
    const now = performance.now()
    if (label !== this.#label) {
      this.#label = label
      this.#startedAt = now
      this.#drawnAt = 0
    }
    const every = this.#stream.isTTY ? redrawMs : logEveryMs
    if (this.#drawnAt !== 0 && now - this.#drawnAt < every) return
    this.#drawnAt = now
    this.#write(describeProgress(label, (now - this.#startedAt) / 1000, done, total, unit))
  }

  /** Prints a line of its own above the bar. */
  say(line: string): void {
    this.clear()
    this.#stream.write(`${line}\n`)
  }

  clear(): void {
    if (this.#onScreen) this.#stream.write('\r\x1b[K')
    this.#onScreen = false
    this.#drawnAt = 0
  }

  #write(line: string): void {
    if (!this.#stream.isTTY) return void this.#stream.write(`${line}\n`)
    this.#stream.write(`\r${line.slice(0, this.#stream.columns - 1)}\x1b[K`)
    this.#onScreen = true
  }
}

/** `write [#########---------------]  38%  120.0 of 312.4 MB  45.1 MB/s  4 s left`. */
export function describeProgress(
  label: string,
  seconds: number,
  done?: number,
  total?: number,
  unit?: 'pieces',
): string {
  if (done === undefined) return `${label}  ${formatDuration(seconds)}`
  const rate = seconds > 0.5 ? done / seconds : 0
  const show = unit === 'pieces' ? String : formatBytes
  const speed = rate > 0 && unit !== 'pieces' ? `  ${formatBytes(rate)}/s` : ''
  if (!total) return `${label}  ${show(done)}${speed}`
  const share = Math.min(1, done / total)
  const bar = '#'.repeat(Math.round(share * barWidth)).padEnd(barWidth, '-')
  const left = rate > 0 && done < total ? `  ${formatDuration((total - done) / rate)} left` : ''
  return `${label} [${bar}] ${String(Math.floor(share * 100)).padStart(3)}%  ${show(done)} of ${show(total)}${speed}${left}`
}
