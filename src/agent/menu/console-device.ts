import { closeSync, constants, openSync } from 'node:fs'
import { isatty, ReadStream } from 'node:tty'
import { drawFrame, type Frame, leaveFrame } from './frame.ts'
import { type Key, KeyDecoder } from './keys.ts'

/** After an ESC that is alone: a terminal sends a sequence at once, a slow serial line within this. */
const settleMs = 150

/** One of the machine's consoles, as a screen and a keyboard: the only owner of its terminal while it is open. */
export class ConsoleDevice {
  readonly path: string
  readonly #stream: ReadStream
  readonly #keys = new KeyDecoder()
  readonly #onKey: (key: Key) => void
  #settle: NodeJS.Timeout | undefined
  /** What the terminal shows; undefined when that is not known. */
  #shown: Frame | undefined
  #next: Frame | undefined
  #isWriting = false

  /** Throws where there is no terminal behind the path. */
  constructor(path: string, onKey: (key: Key) => void) {
    this.path = path
    this.#onKey = onKey
    const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    if (!isatty(fd)) {
      closeSync(fd)
      throw new Error(`Cannot use ${path}: it is no terminal`)
    }
    this.#stream = new ReadStream(fd)
    this.#stream.setRawMode(true)
    this.#stream.setEncoding('utf8')
    this.#stream.on('error', () => {}) // a serial port that goes away takes its keyboard with it, no more
    this.#stream.on('data', (piece) => this.#read(String(piece)))
  }

  /** Where the line is slower than the frames come, those between are left out. */
  draw(frame: Frame): void {
    this.#next = frame
    this.#write()
  }

  /** The next frame is drawn whole. */
  forget(): void {
    this.#shown = undefined
  }

  /** What follows is ordinary lines. */
  leave(): void {
    this.#next = undefined
    this.#shown = undefined
    this.#stream.write(leaveFrame)
  }

  /** Gives the terminal back as it was. */
  close(): void {
    clearTimeout(this.#settle)
    if (this.#stream.destroyed) return
    this.#stream.setRawMode(false)
    this.#stream.destroy()
  }

  #write(): void {
    const frame = this.#next
    if (frame === undefined || frame === this.#shown || this.#isWriting || this.#stream.destroyed) return
    const text = drawFrame(this.#shown, frame)
    this.#shown = frame
    if (text === '') return
    this.#isWriting = true
    this.#stream.write(text, () => {
      this.#isWriting = false
      this.#write()
    })
  }

  #read(piece: string): void {
    clearTimeout(this.#settle)
    for (const key of this.#keys.push(piece)) this.#onKey(key)
    if (!this.#keys.isUnsettled) return
    this.#settle = setTimeout(() => {
      for (const key of this.#keys.settle()) this.#onKey(key)
    }, settleMs)
  }
}
