import { rename } from 'node:fs/promises'
import path from 'node:path'
import { ChunkWriter } from './chunk-writer.ts'
import { syncDirectory } from './durable-file.ts'
import { type ChunkLocation, chunkKey, readChunkIndex } from './pack-index.ts'
import type { SealedPack } from './pack-writer.ts'
import type { Repository } from './repository.ts'
import { packFile, packIndexFile } from './repository-layout.ts'
import { onStorage } from './storage-fault.ts'
import { readCondemned, reprievePacks } from './store/condemned-packs.ts'
import { listHolds, RepositoryHold } from './store/repository-hold.ts'
import { withRepositoryLock } from './store/repository-lock.ts'
import type { ChunkTable } from './tree.ts'

/**
 * An import under way: a staging directory of its own, and a writer of chunks into it. Nothing of it is visible before
 * publish(); disposing removes what was not published. What a killed process left behind is removed by the next. While
 * it lives, no chunk that its index knows is deleted.
 */
export class ImportSession {
  readonly repository: Repository
  readonly directory: string
  readonly chunks: ChunkWriter
  /** Every chunk of the repository, and those of the session once seal() was called. */
  readonly index: Map<string, ChunkLocation>
  readonly #hold: RepositoryHold
  readonly #sealed = new Map<string, SealedPack>()
  readonly #published = new Set<string>()

  private constructor(repository: Repository, hold: RepositoryHold, index: Map<string, ChunkLocation>) {
    this.repository = repository
    this.directory = hold.directory
    this.index = index
    this.chunks = new ChunkWriter(hold.directory, index)
    this.#hold = hold
  }

  /** What lies in the packs `without` counts as not there. Throws RepositoryBusy, StorageFull, StorageBroken. */
  static async begin(repository: Repository, without: Iterable<string> = []): Promise<ImportSession> {
    const hold = await RepositoryHold.take(repository)
    try {
      await listHolds(repository)
      // Under the lock, after the hold: a prune has either seen the hold, or written what is condemned before this.
      const condemned = await withRepositoryLock(repository, () => readCondemned(repository.directory))
      const leftOut = new Set([...condemned.keys(), ...without])
      return new ImportSession(repository, hold, await readChunkIndex(repository.directory, leftOut))
    } catch (error) {
      await hold[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Waits for all chunks; afterwards `index` has them. */
  async seal(): Promise<void> {
    for (const pack of await this.chunks.finish()) {
      if (this.#sealed.has(pack.id)) continue
      this.#sealed.set(pack.id, pack)
      for (const chunk of pack.chunks) this.index.set(chunkKey(chunk.id), { ...chunk, packId: pack.id })
    }
  }

  /**
   * Puts the packs, and then by `put` what needs the chunks of `table`, into the repository, as one step for everybody
   * else. `put` must be short.
   */
  async publish<Result>(table: ChunkTable, put: () => Promise<Result>): Promise<Result> {
    await this.seal()
    return withRepositoryLock(this.repository, async () => {
      await this.#publishSealed()
      await reprievePacks(this.repository.directory, this.#published, this.#packsOf(table))
      return put()
    })
  }

  /**
   * Moves the packs into the repository: their chunks can be used from now on, by later imports as well. Gives their ids;
   * one that was there with the same chunks is replaced.
   */
  async publishPacks(): Promise<ReadonlySet<string>> {
    await this.seal()
    return withRepositoryLock(this.repository, async () => {
      await this.#publishSealed()
      await reprievePacks(this.repository.directory, this.#published, [])
      return this.#published
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chunks[Symbol.asyncDispose]()
    await this.#hold[Symbol.asyncDispose]()
  }

  async #publishSealed(): Promise<void> {
    const { directory } = this.repository
    const packs = path.join(directory, 'packs')
    for (const id of this.#sealed.keys()) {
      if (this.#published.has(id)) continue
      // The index last: a pack without one is scanned, an index without its pack is never looked at.
      await onStorage(packs, async () => {
        await rename(path.join(this.directory, `${id}.pack`), packFile(directory, id))
        await rename(path.join(this.directory, `${id}.index`), packIndexFile(directory, id))
      })
      this.#published.add(id)
    }
    await syncDirectory(packs)
  }

  #packsOf(table: ChunkTable): Set<string> {
    const packs = new Set<string>()
    for (let row = 0; row < table.count; row++) {
      const location = this.index.get(chunkKey(table.ids.subarray(row * 32, row * 32 + 32)))
      if (location) packs.add(location.packId)
    }
    return packs
  }
}
