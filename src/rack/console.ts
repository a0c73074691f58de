import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { TerminalText } from './terminal-text.ts'

/** A text that did not come in time, with what came instead. */
export class ConsoleTimeout extends Error {
  override readonly name = 'ConsoleTimeout'
  readonly machine: string
  readonly awaited: string
  readonly tail: string

  constructor(machine: string, awaited: string, reason: string, tail: string) {
    super(`The console of ${machine} did not show ${awaited}: ${reason}. Its last lines:\n${tail}`)
    this.machine = machine
    this.awaited = awaited
    this.tail = tail
  }
}

export type Expectation = {
  timeoutMs: number
  /** What is awaited, in words for the error; the pattern itself where absent. */
  what?: string
  /** A text that makes waiting pointless, such as a kernel panic. */
  failOn?: RegExp
}

type Waiter = Expectation & {
  pattern: RegExp
  /** Text before this was searched already. */
  searchedTo: number
  resolve: (match: RegExpExecArray) => void
  reject: (error: Error) => void
  timer: NodeJS.Timeout
}

/** A match is shorter than this; bounds how much is searched again when a new piece comes. */
const longestMatch = 4096
const tailLines = 25

/** A machine's serial console over all its power cycles: everything it said, as words; and a keyboard. */
export class Console {
  readonly machine: string
  readonly logPath: string
  #words = ''
  /** Where the next `expect` begins to search. */
  #position = 0
  #waiter: Waiter | undefined
  #input: Writable | undefined
  #log: WriteStream
  #logLine = ''
  #startedAt = performance.now()

  constructor(machine: string, logPath: string) {
    this.machine = machine
    this.logPath = logPath
    this.#log = createWriteStream(logPath)
  }

  /** Everything since the rack began, terminal sequences removed. */
  get words(): string {
    return this.#words
  }

  /** Connects the streams of a machine that was just switched on. */
  attach(output: Readable, input: Writable): void {
    const text = new TerminalText()
    this.#input = input
    this.mark('power on')
    input.on('error', () => {}) // the machine was switched off while we typed: the exit tells
    output.setEncoding('utf8')
    output.on('data', (piece: string) => this.#append(text.push(piece)))
  }

  /** The machine is off: whoever waits for a text is told why. */
  detach(reason: string): void {
    this.#input = undefined
    this.mark(reason)
    this.#fail(reason)
  }

  /** Writes a line of our own into the log. */
  mark(text: string): void {
    this.#writeLog(`\n--- ${text}\n`)
  }

  /**
   * Waits for a pattern in what came after the last match (text that is already there counts). One at a time.
   * Rejects with ConsoleTimeout.
   */
  expect(pattern: RegExp, expectation: Expectation): Promise<RegExpExecArray> {
    if (this.#waiter) throw new Error(`The console of ${this.machine} is already waiting for ${this.#waiter.pattern}`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`${expectation.timeoutMs / 1000} s passed`), expectation.timeoutMs)
      this.#waiter = { ...expectation, pattern, searchedTo: this.#position, resolve, reject, timer }
      this.#search()
    })
  }

  /** The next `expect` ignores what was said so far. */
  skipToNow(): void {
    this.#position = this.#words.length
  }

  /** Types text as a person would; `\r` is the return key. Does nothing when the machine is off. */
  type(text: string): void {
    this.#input?.write(text)
  }

  async close(): Promise<void> {
    this.#fail('the rack was closed')
    if (this.#logLine) this.#log.write(this.#logLine)
    this.#log.end()
    await once(this.#log, 'close')
  }

  tail(): string {
    return this.#words.trimEnd().split('\n').slice(-tailLines).join('\n')
  }

  #append(words: string): void {
    this.#words += words
    this.#writeLog(words)
    this.#search()
  }

  #search(): void {
    const waiter = this.#waiter
    if (!waiter) return
    const from = Math.max(this.#position, waiter.searchedTo - longestMatch)
    const recent = this.#words.slice(from)
    const match = waiter.pattern.exec(recent)
    const failure = waiter.failOn?.exec(recent)
    if (match && !(failure && failure.index < match.index)) {
      this.#position = from + match.index + match[0].length
      this.#settle()?.resolve(match)
    } else if (failure) {
      this.#fail(`it showed "${failure[0].trim()}"`)
    } else {
      waiter.searchedTo = this.#words.length
    }
  }

  #fail(reason: string): void {
    const waiter = this.#settle()
    waiter?.reject(new ConsoleTimeout(this.machine, waiter.what ?? String(waiter.pattern), reason, this.tail()))
  }

  #settle(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter) clearTimeout(waiter.timer)
    return waiter
  }

  /** Each line of the log begins with the seconds since the rack began. */
  #writeLog(words: string): void {
    const lines = (this.#logLine + words).split('\n')
    this.#logLine = lines.pop() ?? ''
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(3).padStart(9)
    for (const line of lines) this.#log.write(line === '' ? '\n' : `${seconds} ${line}\n`)
  }
}
