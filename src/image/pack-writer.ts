import { createHash } from 'node:crypto'
import { type FileHandle, open, rename } from 'node:fs/promises'
import path from 'node:path'
import { writeSyncedFile } from './durable-file.ts'
import {
  encodeIndex,
  encodeRecordHeader,
  magicBytes,
  type PackedChunk,
  packMagic,
  packTargetBytes,
  rowBytes,
} from './pack-format.ts'
import { onStorage } from './storage-fault.ts'

export type SealedPack = { id: string; chunks: PackedChunk[] }

/**
 * Appends chunks to packs in a directory and seals each pack, synced and named by its hash, when it is full. Throws
 * StorageFull, StorageBroken.
 */
export class PackWriter {
  readonly sealed: SealedPack[] = []
  readonly #directory: string
  #open: OpenPack | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** One call at a time. */
  async append(chunk: Omit<PackedChunk, 'offset'>, stored: Uint8Array): Promise<void> {
    this.#open ??= await OpenPack.create(path.join(this.#directory, 'open.pack'))
    await this.#open.append(chunk, stored)
    if (this.#open.sizeBytes >= packTargetBytes) await this.seal()
  }

  async seal(): Promise<void> {
    const pack = this.#open
    this.#open = undefined
    if (pack) this.sealed.push(await pack.seal(this.#directory))
  }

  /** Closes an unfinished pack's file; its bytes are left to whoever removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.close()
  }
}

class OpenPack {
  sizeBytes = magicBytes
  readonly #file: string
  readonly #handle: FileHandle
  readonly #hash = createHash('sha256').update(packMagic)
  readonly #chunks: PackedChunk[] = []

  private constructor(file: string, handle: FileHandle) {
    this.#file = file
    this.#handle = handle
  }

  static async create(file: string): Promise<OpenPack> {
    return onStorage(file, async () => {
      const handle = await open(file, 'wx')
      try {
        await handle.writeFile(packMagic)
      } catch (error) {
        await handle.close()
        throw error
      }
      return new OpenPack(file, handle)
    })
  }

  async append(chunk: Omit<PackedChunk, 'offset'>, stored: Uint8Array): Promise<void> {
    const header = encodeRecordHeader(chunk)
    this.#hash.update(header).update(stored)
    this.#chunks.push({ ...chunk, offset: this.sizeBytes + rowBytes })
    await onStorage(this.#file, () => this.#write(header, stored))
    this.sizeBytes += rowBytes + stored.length
  }

  async #write(header: Uint8Array, stored: Uint8Array): Promise<void> {
    const { bytesWritten } = await this.#handle.writev([header, stored])
    if (bytesWritten === header.length + stored.length) return
    // A disk that is nearly full takes a part. writeFile() goes on from there, and says what keeps the rest out.
    const rest = Buffer.concat([header, stored]).subarray(bytesWritten)
    await this.#handle.writeFile(rest)
  }

  async seal(directory: string): Promise<SealedPack> {
    const id = this.#hash.digest('hex')
    await onStorage(this.#file, () => this.#handle.sync()).finally(() => this.#handle.close())
    await rename(this.#file, path.join(directory, `${id}.pack`))
    await writeSyncedFile(path.join(directory, `${id}.index`), encodeIndex(this.#chunks))
    return { id, chunks: this.#chunks }
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
