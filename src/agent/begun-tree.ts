import { availableParallelism } from 'node:os'
import { decodeLocations, type PackLocations } from '../image/locations.ts'
import type { Tree } from '../image/tree.ts'
import { WorkerPool } from '../image/worker-pool.ts'
import { fetchLocations, openVersion, type VersionOptions } from './open-version.ts'
import { VersionSource } from './write-tree-source.ts'
import type { WriteJob, WriteReply } from './write-tree-worker.ts'

const maxThreads = 8

/**
 * A tree on its way to a machine, as far as that goes without a filesystem: what is signed, where it lies, and the threads
 * that will write it. Begun before the disk is partitioned, it costs no time. What goes wrong is told by the promise that
 * is waited for. Close it.
 */
export class BegunTree implements AsyncDisposable {
  readonly source: VersionSource
  readonly pool: WorkerPool<WriteJob, WriteReply>
  /** Rejects with SignatureRefused, ManifestInvalid, DecodeError, FetchFailed. */
  readonly tree: Promise<Tree>
  /** Rejects with DecodeError, FetchFailed, and what `tree` rejects with. */
  readonly locations: Promise<PackLocations[]>

  constructor(options: VersionOptions) {
    this.source = new VersionSource(options)
    this.tree = openVersion(this.source, options).then(({ tree }) => tree)
    this.locations = Promise.all([this.tree, fetchLocations(this.source, options.version)]).then(([tree, locations]) =>
      decodeLocations(locations, options.version, tree.chunks),
    )
    this.locations.catch(() => undefined) // may have failed before anybody waits for it
    const threads = Math.min(maxThreads, availableParallelism())
    this.pool = new WorkerPool(new URL('./write-tree-worker.ts', import.meta.url), threads)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.source[Symbol.dispose]()
    await this.pool[Symbol.asyncDispose]()
  }
}
