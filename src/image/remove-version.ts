import { rename, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { syncDirectory, writeFileDurably } from './durable-file.ts'
import { type Repository, readSignatures, readTags } from './repository.ts'
import { imageTagsDirectory, tagFile, versionDirectory, versionFile } from './repository-layout.ts'
import { decodeStatement, encodeSignatures } from './statement.ts'
import { RepositoryHold } from './store/repository-hold.ts'
import { withRepositoryLock } from './store/repository-lock.ts'

/** A version that is still wanted; `because` says by what. */
export class VersionInUse extends Error {
  override readonly name = 'VersionInUse'
  readonly image: string
  readonly version: string
  readonly because: readonly string[]

  constructor(image: string, version: string, because: readonly string[]) {
    super(`Cannot remove ${image}@${version.slice(0, 12)}: it is in use (${because.join(', ')})`)
    this.image = image
    this.version = version
    this.because = because
  }
}

/**
 * Takes a version out of an image, as one step: with the last image it belonged to it is gone, and `image prune` frees
 * its chunks. Tags that name it are removed where `withTags` says so. Throws VersionInUse, RepositoryBusy.
 */
export async function removeVersion(
  repository: Repository,
  image: string,
  versionId: string,
  { withTags = false }: { withTags?: boolean } = {},
): Promise<void> {
  await using hold = await RepositoryHold.take(repository)
  await withRepositoryLock(repository, async () => {
    const tags = [...(await readTags(repository, image))].filter(([, id]) => id === versionId).map(([tag]) => tag)
    if (tags.length > 0 && !withTags) {
      throw new VersionInUse(
        image,
        versionId,
        tags.map((tag) => `tag ${tag}`),
      )
    }
    // The version first: a tag without a version is named by `image verify`, a version that lost its tags would stay unseen.
    await removeStatement(repository, image, versionId, hold)
    await removeTags(repository, image, tags)
  })
}

async function removeStatement(repository: Repository, image: string, versionId: string, hold: RepositoryHold) {
  const signatures = await readSignatures(repository, versionId)
  const others = signatures.filter(({ statement }) => decodeStatement(statement).image !== image)
  if (others.length > 0) {
    await writeFileDurably(versionFile(repository.directory, versionId, 'signatures'), encodeSignatures(others))
    return
  }
  const directory = versionDirectory(repository.directory, versionId)
  await rename(directory, path.join(hold.directory, versionId)) // gone at once; its files go with the hold
  await syncDirectory(path.dirname(directory))
}

async function removeTags(repository: Repository, image: string, tags: readonly string[]): Promise<void> {
  if (tags.length === 0) return
  for (const tag of tags) await rm(tagFile(repository.directory, image, tag), { force: true })
  const directory = imageTagsDirectory(repository.directory, image)
  await syncDirectory(directory)
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY') throw error
  })
}
