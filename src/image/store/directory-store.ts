import { readFile } from 'node:fs/promises'
import { ImportSession } from '../import-session.ts'
import { ChunkMissing } from '../locations.ts'
import { type ChunkLocation, chunkKey, readChunkIndex } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { packFile, type VersionFileName } from '../repository-layout.ts'
import { onStorage } from '../storage-fault.ts'
import { pruneRepository } from '../upkeep/prune-repository.ts'
import type { PruneOptions, PruneResult } from '../upkeep/prune-result.ts'
import type { PruneStore } from './chunk-store.ts'
import { type ContentName, contentFile } from './content-name.ts'
import { readPackedChunk } from './packed-chunk.ts'

/** A repository in a directory of this machine. */
export class DirectoryStore implements PruneStore {
  readonly origin: string
  readonly #repository: Repository
  #index: Promise<Map<string, ChunkLocation>> | undefined

  constructor(repository: Repository) {
    this.origin = repository.directory
    this.#repository = repository
  }

  async readFile(content: ContentName, file: VersionFileName): Promise<Buffer | undefined> {
    const full = contentFile(this.origin, content, file)
    try {
      return await onStorage(full, () => readFile(full))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async readChunk(id: string): Promise<Buffer> {
    const found = await this.#tryRead(id)
    if (found) return found
    // It may have come, or been moved by a prune, since the index was read.
    this.#index = undefined
    const again = await this.#tryRead(id)
    if (again) return again
    throw new ChunkMissing(id, this.origin)
  }

  async writeChunks(chunks: readonly Uint8Array[]): Promise<string[]> {
    await using session = await ImportSession.begin(this.#repository)
    const ids: string[] = []
    for (const [at, bytes] of chunks.entries()) {
      await session.chunks.add(Uint8Array.from(bytes), (id) => {
        ids[at] = Buffer.from(id).toString('hex')
      })
    }
    await session.publishPacks()
    this.#index = undefined
    return ids
  }

  async prune(options: PruneOptions = {}): Promise<PruneResult> {
    this.#index = undefined
    return pruneRepository(this.#repository, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#index = undefined
  }

  /** Undefined where no pack has it. */
  async #tryRead(id: string): Promise<Buffer | undefined> {
    this.#index ??= readChunkIndex(this.origin)
    const location = (await this.#index).get(chunkKey(Buffer.from(id, 'hex')))
    if (!location) return undefined
    const file = packFile(this.origin, location.packId)
    try {
      return await onStorage(file, () => readPackedChunk(file, location))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
}
