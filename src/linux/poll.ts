import koffi from 'koffi'
import { bindLibc, checkResult } from './libc.ts'

/** struct pollfd: descriptor, wanted events, events that are there. */
const entryBytes = 8
const eventsOffset = 4
const resultOffset = 6
const POLLIN = 1
export const POLLOUT = 4
const EINTR = 4

const poll = bindLibc<(entries: unknown, count: number, timeoutMs: number) => number>(
  'int poll(void *entries, unsigned long count, int timeoutMs)',
)

/** Waits on several descriptors at once, for something to read where not said otherwise. The thread stands still meanwhile. */
export class PollSet {
  readonly #memory: unknown
  readonly #bytes: Buffer
  readonly #count: number

  constructor(fds: readonly number[], events = POLLIN) {
    this.#count = fds.length
    this.#memory = koffi.alloc('uint8_t', fds.length * entryBytes)
    this.#bytes = Buffer.from(koffi.view(this.#memory, fds.length * entryBytes))
    for (const [index, fd] of fds.entries()) {
      this.#bytes.writeInt32LE(fd, index * entryBytes)
      this.#bytes.writeInt32LE(events, index * entryBytes + eventsOffset)
    }
  }

  /** How many are ready; 0 at the time-out, or where a signal came. Throws LinuxError. */
  wait(timeoutMs: number): number {
    const result = poll(this.#memory, this.#count, timeoutMs)
    return result === -1 && koffi.errno() === EINTR ? 0 : checkResult(result, () => 'poll')
  }

  /** Ready, or broken: reading it says which. */
  isReady(index: number): boolean {
    return this.#bytes.readUInt16LE(index * entryBytes + resultOffset) !== 0
  }
}
