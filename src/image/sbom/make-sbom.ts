import { readPackages } from '../diff/read-packages.ts'
import type { ImportNotice } from '../image-source.ts'
import { readChunkIndex } from '../pack-index.ts'
import { StoredChunks } from '../renditions/stored-chunks.ts'
import { TreeContents } from '../renditions/tree-contents.ts'
import { type Repository, readTree, type Version } from '../repository.ts'
import { RepositoryHold } from '../store/repository-hold.ts'
import { distributionOf, type SpdxDocument, spdxOf } from './spdx.ts'

/** Where os-release(5) says to look, in its order; /etc's is a symbolic link nearly always. */
const osReleases = ['etc/os-release', 'usr/lib/os-release']

/**
 * What a version is made of, by its package databases; one that is there and cannot be read is told. Throws ChunkMissing,
 * StoredChunkInvalid, ManifestInvalid.
 */
export async function makeSbom(
  repository: Repository,
  version: Pick<Version, 'image' | 'id' | 'createdAt'>,
  onNotice: (notice: ImportNotice) => void,
): Promise<SpdxDocument> {
  await using hold = await RepositoryHold.take(repository)
  await using stored = new StoredChunks(repository, await readChunkIndex(repository.directory))
  const contents = new TreeContents(await readTree(repository, version.id), stored)
  const { packages, unread } = await readPackages(contents, hold.directory)
  for (const { path, reason } of unread) onNotice({ where: `/${path}`, reason })
  const { image, id, createdAt } = version
  return spdxOf({ image, version: id, createdAt, distribution: await readDistribution(contents), packages })
}

async function readDistribution(contents: TreeContents): Promise<string | undefined> {
  for (const path of osReleases) {
    const entry = contents.tree.entries.find((found) => found.path === path)
    if (entry?.type !== 'file') continue
    return distributionOf(Buffer.from(await contents.readSmall(entry)).toString('utf8'))
  }
  return undefined
}
