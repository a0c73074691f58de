import { type FileHandle, open } from 'node:fs/promises'

/** The writer of a file failed before it was whole. */
export class GrowthEnded extends Error {
  override readonly name = 'GrowthEnded'

  constructor(path: string, cause: unknown) {
    super(`Cannot read ${path} to its end: ${(cause as Error).message}`, { cause })
  }
}

/** A file that is being written, and read by others at the same time; it ends whole or with the writer's fault. */
export class GrowingFile {
  readonly path: string
  sizeBytes = 0
  readonly #handle: FileHandle
  #end: { kind: 'whole' } | { kind: 'failed'; cause: unknown } | undefined
  #waiting: (() => void)[] = []

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  static async create(path: string): Promise<GrowingFile> {
    return new GrowingFile(path, await open(path, 'wx', 0o600))
  }

  /** Writes and syncs all parts, then calls `keep`, then tells readers that this was all. Throws what went wrong. */
  async fill(parts: AsyncIterable<Uint8Array>, keep: () => Promise<void>): Promise<void> {
    try {
      for await (const part of parts) {
        await this.#handle.writeFile(part) // goes on from where the last one ended
        this.sizeBytes += part.length
        this.#wakeAll()
      }
      await this.#handle.datasync() // who keeps it believes that all of it is there
      await keep()
      this.#end = { kind: 'whole' }
    } catch (cause) {
      this.#end = { kind: 'failed', cause }
      throw cause
    } finally {
      this.#wakeAll()
      await this.#handle.close()
    }
  }

  /** How far it can be read: more than `position`, or no more than that when it is whole. Throws GrowthEnded. */
  async grownBeyond(position: number): Promise<number> {
    while (this.sizeBytes <= position && this.#end === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.sizeBytes <= position && this.#end?.kind === 'failed') throw new GrowthEnded(this.path, this.#end.cause)
    return this.sizeBytes
  }

  #wakeAll(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
