import { outputLimitLength, outputLimitLines } from '../../core/hook-end.ts'
import { oneLine } from '../../core/one-line.ts'

/** Lines that come together are told together. */
const gatherMs = 500
const lastLinesKept = 10

/** What the scripts of one step say: hidden what is secret, shown on the console, told to the server, up to a limit. */
export class HookOutput {
  readonly #mask: (line: string) => string
  readonly #show: (line: string) => void
  readonly #tell: (offset: number, lines: string[]) => void
  #count = 0
  #pending: string[] = []
  #last: string[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(to: {
    mask: (line: string) => string
    show: (line: string) => void
    tell: (offset: number, lines: string[]) => void
  }) {
    this.#mask = to.mask
    this.#show = to.show
    this.#tell = to.tell
  }

  add(text: string): void {
    const line = oneLine(this.#mask(text), outputLimitLength)
    if (line === '') return
    this.#last = [...this.#last, line].slice(-lastLinesKept)
    if (this.#count >= outputLimitLines) return
    this.#count++
    const isLast = this.#count === outputLimitLines
    const kept = isLast ? `${outputLimitLines - 1} lines are kept; what comes after them is not` : line
    this.#show(kept)
    this.#pending.push(kept)
    this.#timer ??= setTimeout(() => this.flush(), gatherMs)
  }

  /** Of the script that has ended: the next one's begin anew. */
  takeLast(): string[] {
    const last = this.#last
    this.#last = []
    return last
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length === 0) return
    this.#tell(this.#count - this.#pending.length, this.#pending)
    this.#pending = []
  }
}
