import { closeSync, openSync } from 'node:fs'
import { startSyncFilesystem } from '../linux/page-cache.ts'

/**
 * Lets the disk write while the rest is still fetched and unpacked: every so many bytes the filesystem is synced in a
 * thread of libuv's. Otherwise a machine with much memory keeps all of an image in it, and writes it at the end, while
 * nothing else is left to do. Close it, also after an error.
 */
export class EarlyFlush {
  readonly #fd: number
  readonly #everyBytes: number
  #flushedBytes = 0
  #running: Promise<void> | undefined
  #failure: unknown

  constructor(directory: string, everyBytes: number) {
    this.#fd = openSync(directory, 'r')
    this.#everyBytes = everyBytes
  }

  /** Call it with how much was written in all. Throws what an earlier flush failed with: the disk does not write. */
  wrote(bytes: number): void {
    if (this.#failure) throw this.#failure
    if (this.#running || bytes - this.#flushedBytes < this.#everyBytes) return
    this.#flushedBytes = bytes
    this.#running = startSyncFilesystem(this.#fd)
      .catch((error) => {
        this.#failure = error
      })
      .then(() => {
        this.#running = undefined
      })
  }

  /** When the last flush is over. Throws what it, or one before it, failed with: whoever syncs later is not told of it. */
  async finish(): Promise<void> {
    await this.#running
    if (this.#failure) throw this.#failure
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running
    closeSync(this.#fd)
  }
}
