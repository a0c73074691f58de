import type { VersionFileName } from '../repository-layout.ts'
import type { PruneOptions, PruneResult } from '../upkeep/prune-result.ts'
import type { ContentName } from './content-name.ts'

/*
 * What a place that keeps images can do, as a ladder: a server's HTTP routes can be read, a directory can be read,
 * written and pruned. store-contract.fixture.ts has the tests that every implementation passes.
 */

/** A store that cannot be asked at present. */
export class StoreUnreachable extends Error {
  override readonly name = 'StoreUnreachable'
  readonly origin: string

  constructor(origin: string, reason: string, options?: ErrorOptions) {
    super(`Cannot read images from ${origin}: ${reason}`, options)
    this.origin = origin
  }
}

export interface ReadStore extends AsyncDisposable {
  /** Where it is, for messages: a directory or a URL. */
  readonly origin: string
  /** As it is stored: what it says is not checked. Undefined where there is none. Throws StoreUnreachable. */
  readFile(content: ContentName, file: VersionFileName): Promise<Buffer | undefined>
  /**
   * The bytes with this SHA-256, in hexadecimal. `holders` are contents that need the chunk: a store without an index of
   * its own looks for it there. Throws ChunkMissing, ChunkInvalid, StoreUnreachable, StorageBroken.
   */
  readChunk(id: string, holders: readonly ContentName[]): Promise<Buffer>
}

export interface WriteStore extends ReadStore {
  /**
   * Adds chunks; when this returns they are durable and can be read. Gives their ids. What no version comes to need is
   * removed by a prune. When it throws, nothing was added. Throws StorageFull, StorageBroken, RepositoryBusy.
   */
  writeChunks(chunks: readonly Uint8Array[]): Promise<string[]>
}

export interface PruneStore extends WriteStore {
  /** Removes what no version needs. */
  prune(options?: PruneOptions): Promise<PruneResult>
}
