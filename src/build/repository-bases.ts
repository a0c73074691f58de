import { createWriteStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { membersOf } from '../image/group-members.ts'
import type { ImportOptions } from '../image/image-source.ts'
import { importBtrfs } from '../image/import-btrfs.ts'
import { importDirectory } from '../image/import-directory.ts'
import { importDiskTree } from '../image/import-disk-tree.ts'
import { importLxc } from '../image/import-lxc.ts'
import { importOci } from '../image/import-oci.ts'
import { importTar } from '../image/import-tar.ts'
import { readChunkIndex } from '../image/pack-index.ts'
import { paxArchive } from '../image/pax-archive.ts'
import type { VersionDescription } from '../image/publish-version.ts'
import { resolveReference } from '../image/reference.ts'
import { StoredChunks } from '../image/renditions/stored-chunks.ts'
import { TreeContents } from '../image/renditions/tree-contents.ts'
import { type Repository, readTree, type Version } from '../image/repository.ts'
import { RepositoryHold } from '../image/store/repository-hold.ts'
import type { BaseVersions } from './base-versions.ts'
import type { ForeignSource } from './recipe.ts'

type Options = ImportOptions & Pick<VersionDescription, 'signingKey'>

/** What recipes build on, in a repository: what they import for it is versions of an image `NAME.base`. */
export class RepositoryBases implements BaseVersions {
  readonly #repository: Repository
  readonly #recipe: { name: string; path: string }
  readonly #options: Options

  constructor(repository: Repository, recipe: { name: string; path: string }, options: Options) {
    this.#repository = repository
    this.#recipe = recipe
    this.#options = options
  }

  async resolve(reference: string): Promise<string> {
    return (await resolveReference(this.#repository, reference)).id
  }

  async import(source: ForeignSource): Promise<string> {
    return (await this.#import(source)).id
  }

  async writeTar(version: string, path: string): Promise<{ hasDpkg: boolean }> {
    await using _hold = await RepositoryHold.take(this.#repository)
    await using stored = new StoredChunks(this.#repository, await readChunkIndex(this.#repository.directory))
    const tree = await readTree(this.#repository, version)
    const archive = paxArchive(new TreeContents(tree, stored), membersOf(tree.entries), {
      keepsAttribute: () => true,
      hasExactTimes: true,
    })
    const { signal } = this.#options
    await pipeline(archive, createWriteStream(path, { mode: 0o600 }), { ...(signal && { signal }) })
    return { hasDpkg: tree.entries.some((entry) => /^var\/lib\/dpkg\/status(\.d)?$/.test(entry.path)) }
  }

  #import(source: ForeignSource): Promise<Version> {
    const options = { ...this.#options, image: `${this.#recipe.name}.base` }
    const file = 'path' in source ? resolve(dirname(this.#recipe.path), source.path) : ''
    switch (source.kind) {
      case 'tar':
        return importTar(this.#repository, file, options)
      case 'directory':
        return importDirectory(this.#repository, file, options)
      case 'btrfs':
        return importBtrfs(this.#repository, file, options)
      case 'disk':
        return importDiskTree(this.#repository, file, options)
      case 'lxc':
        return importLxc(this.#repository, source.name, options)
      case 'oci':
        return importOci(this.#repository, source.name, { ...options, platform: source.platform })
    }
  }
}
