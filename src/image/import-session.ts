import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { ChunkWriter } from './chunk-writer.ts'
import { syncDirectory } from './durable-file.ts'
import { type ChunkLocation, chunkKey, readChunkIndex } from './pack-index.ts'
import type { SealedPack } from './pack-writer.ts'
import type { Repository } from './repository.ts'

/**
 * An import under way: a staging directory of its own, and a writer of chunks into it. Nothing of it is visible before
 * publishPacks(); disposing removes what was not published. What a killed process left behind is removed by the next.
 */
export class ImportSession {
  readonly repository: Repository
  readonly directory: string
  readonly chunks: ChunkWriter
  readonly index: Map<string, ChunkLocation>

  private constructor(repository: Repository, directory: string, index: Map<string, ChunkLocation>) {
    this.repository = repository
    this.directory = directory
    this.index = index
    this.chunks = new ChunkWriter(directory, index)
  }

  static async begin(repository: Repository): Promise<ImportSession> {
    const staging = path.join(repository.directory, 'staging')
    await removeAbandoned(staging)
    const name = `${encodeURIComponent(hostname())}.${process.pid}.${randomBytes(6).toString('hex')}`
    const directory = path.join(staging, name)
    await mkdir(directory, { recursive: true })
    return new ImportSession(repository, directory, await readChunkIndex(repository.directory))
  }

  /** Moves the sealed packs into the repository: their chunks can be used from now on, by later imports as well. */
  async publishPacks(): Promise<void> {
    const packs = path.join(this.repository.directory, 'packs')
    for (const pack of await this.chunks.finish()) {
      // The index last: a pack without one is scanned, an index without its pack is never looked at.
      for (const kind of ['pack', 'index']) {
        await rename(path.join(this.directory, `${pack.id}.${kind}`), path.join(packs, `${pack.id}.${kind}`))
      }
      this.#addToIndex(pack)
    }
    await syncDirectory(packs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.chunks[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true, force: true })
  }

  #addToIndex({ id, chunks }: SealedPack): void {
    for (const chunk of chunks) this.index.set(chunkKey(chunk.id), { ...chunk, packId: id })
  }
}

/** Only this machine's: whether another machine's process still runs cannot be seen from here. */
async function removeAbandoned(staging: string): Promise<void> {
  const prefix = `${encodeURIComponent(hostname())}.`
  for (const name of await readdir(staging)) {
    if (!name.startsWith(prefix)) continue
    const pid = Number(name.split('.').at(-2))
    if (!isRunning(pid)) await rm(path.join(staging, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
