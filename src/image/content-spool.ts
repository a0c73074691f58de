import { type FileHandle, open } from 'node:fs/promises'
import type { SmallContent } from './source-content.ts'
import { onStorage } from './storage-fault.ts'

const gatherBytes = 1024 * 1024

/** Keeps the small files of a stream on the disk until their directory is complete: the stream cannot be read again. */
export class ContentSpool {
  readonly #file: string
  readonly #handle: FileHandle
  #size = 0
  #gathered: Buffer[] = []
  #gatheredBytes = 0
  #written: Promise<void> = Promise.resolve()

  private constructor(file: string, handle: FileHandle) {
    this.#file = file
    this.#handle = handle
  }

  /** `file` must not be there yet; removing it is up to the caller. */
  static async create(file: string): Promise<ContentSpool> {
    return new ContentSpool(file, await onStorage(file, () => open(file, 'wx+', 0o600)))
  }

  /** Takes the bytes; they must not change afterwards. */
  async add(bytes: Buffer): Promise<SmallContent> {
    const position = this.#size
    this.#gathered.push(bytes)
    this.#gatheredBytes += bytes.length
    this.#size += bytes.length
    if (this.#gatheredBytes >= gatherBytes) await this.#flush()
    return { kind: 'small', sizeBytes: bytes.length, read: (target) => this.#read(position, target) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  async #read(position: number, target: Uint8Array): Promise<void> {
    if (this.#gatheredBytes > 0) this.#flush()
    await this.#written // by whichever of the readers it was begun
    for (let at = 0; at < target.length; ) {
      const { bytesRead } = await this.#handle.read(target, at, target.length - at, position + at)
      if (bytesRead === 0) throw new Error(`The spool of small files ended at byte ${position + at}`)
      at += bytesRead
    }
  }

  /** What is gathered follows what is being written. */
  #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#gathered)
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#written = this.#written.then(() => onStorage(this.#file, () => this.#handle.writeFile(bytes)))
    this.#written.catch(() => undefined) // whoever waits for it meets it
    return this.#written
  }
}
