import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory, writeSyncedFile } from '../durable-file.ts'
import { encodeIndex, type PackedChunk } from '../pack-format.ts'
import type { Repository } from '../repository.ts'
import { deltaFile } from '../repository-layout.ts'
import type { RepositoryHold } from '../store/repository-hold.ts'
import { type DeltaSubject, deltaMagic } from './delta-store.ts'

const maxDataBytes = 2 ** 32 - 1

/** Writes a delta aside, and puts it in place when it is whole. */
export class DeltaWriter {
  readonly #directory: string
  readonly #handle: FileHandle
  readonly #chunks: PackedChunk[] = []
  #sizeBytes = deltaMagic.length

  private constructor(directory: string, handle: FileHandle) {
    this.#directory = directory
    this.#handle = handle
  }

  static async create(hold: RepositoryHold): Promise<DeltaWriter> {
    const directory = path.join(hold.directory, 'delta')
    await mkdir(directory)
    const handle = await open(path.join(directory, 'data'), 'wx')
    await handle.writeFile(deltaMagic)
    return new DeltaWriter(directory, handle)
  }

  /** One call at a time. False where the index's 32-bit offsets end: such a chunk is fetched from its pack. */
  async append(id: Buffer, sizeBytes: number, stored: Buffer): Promise<boolean> {
    if (this.#sizeBytes + stored.length > maxDataBytes) return false
    this.#chunks.push({ id, sizeBytes, storedBytes: stored.length, offset: this.#sizeBytes, encoding: 'zstd' })
    this.#sizeBytes += stored.length
    await this.#handle.writeFile(stored)
    return true
  }

  /** In place of a damaged one where that is there. Under withRepositoryLock() only. */
  async publish(repository: Repository, subject: DeltaSubject): Promise<void> {
    await this.#handle.sync()
    await this.#handle.close()
    await writeSyncedFile(path.join(this.#directory, 'index'), encodeIndex(this.#chunks))
    await syncDirectory(this.#directory)
    const target = path.dirname(deltaFile(repository.directory, subject, 'index'))
    await mkdir(path.dirname(target)).catch((error) => {
      if (error.code !== 'EEXIST') throw error // ENOENT: the version or its rendition was removed meanwhile
    })
    await rm(target, { recursive: true, force: true })
    await rename(this.#directory, target)
    await syncDirectory(path.dirname(target))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}
