import { hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { zstdDecompressSync } from 'node:zlib'
import { ChunkMissing } from '../locations.ts'
import { type ChunkLocation, chunkKey } from '../pack-index.ts'
import type { Repository } from '../repository.ts'
import { packFile } from '../repository-layout.ts'
import type { ChunkTable } from '../tree.ts'

/** A chunk of the repository whose bytes are not those that its id names. */
export class StoredChunkInvalid extends Error {
  override readonly name = 'StoredChunkInvalid'
  readonly chunkId: string
  readonly packId: string

  constructor(chunkId: string, packId: string, reason: string) {
    super(`Cannot use chunk ${chunkId} of pack ${packId}: ${reason}; 'bootwright image verify' says what it breaks`)
    this.chunkId = chunkId
    this.packId = packId
  }
}

/** Bytes of chunks that lie in a repository's packs, each checked against its id before it is given out. */
export class StoredChunks {
  readonly #repository: Repository
  readonly #index: ReadonlyMap<string, ChunkLocation>
  readonly #packs = new Map<string, Promise<FileHandle>>()

  constructor(repository: Repository, index: ReadonlyMap<string, ChunkLocation>) {
    this.#repository = repository
    this.#index = index
  }

  /** Row `row` of a chunk table, in memory of its own. Throws ChunkMissing, StoredChunkInvalid. */
  async read(table: ChunkTable, row: number): Promise<Buffer> {
    const id = table.ids.subarray(row * 32, row * 32 + 32)
    const location = this.#index.get(chunkKey(id))
    if (!location) throw new ChunkMissing(id.toString('hex'))
    const { packId, offset, storedBytes, sizeBytes, encoding } = location
    const stored = Buffer.allocUnsafe(storedBytes)
    const handle = await this.#open(packId)
    const { bytesRead } = await handle.read(stored, 0, storedBytes, offset)
    if (bytesRead < storedBytes) throw new StoredChunkInvalid(id.toString('hex'), packId, 'the pack ends inside it')
    let bytes = stored
    if (encoding === 'zstd') {
      try {
        bytes = zstdDecompressSync(stored, { chunkSize: sizeBytes + 64, maxOutputLength: sizeBytes })
      } catch (error) {
        throw new StoredChunkInvalid(
          id.toString('hex'),
          packId,
          `its compression is damaged (${(error as Error).message})`,
        )
      }
    }
    const actual = hash('sha256', bytes, 'buffer')
    if (!actual.equals(id) || bytes.length !== table.sizes[row]) {
      throw new StoredChunkInvalid(id.toString('hex'), packId, `it hashes to ${actual.toString('hex')}`)
    }
    return bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const handles = await Promise.allSettled(this.#packs.values())
    await Promise.all(handles.map(async (opened) => opened.status === 'fulfilled' && opened.value.close()))
  }

  #open(packId: string): Promise<FileHandle> {
    let handle = this.#packs.get(packId)
    if (!handle) {
      handle = open(packFile(this.#repository.directory, packId), 'r')
      this.#packs.set(packId, handle)
    }
    return handle
  }
}
