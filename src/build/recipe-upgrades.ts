import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Upgrade } from '../core/rebuild.ts'
import { readDpkgStatus } from '../image/diff/read-packages.ts'
import { readChunkIndex } from '../image/pack-index.ts'
import { StoredChunks } from '../image/renditions/stored-chunks.ts'
import { TreeContents } from '../image/renditions/tree-contents.ts'
import { type Repository, readTree } from '../image/repository.ts'
import { RepositoryHold } from '../image/store/repository-hold.ts'
import { findAptSources } from './apt-sources.ts'
import { findUpgrades } from './find-upgrades.ts'
import { hostArchitecture } from './host-architecture.ts'
import { readAptOptions } from './mmdebstrap.ts'
import { readRecipe } from './read-recipe.ts'

const shortTimeoutMs = 60_000

/**
 * What the sources of a recipe offer now that a version built from it has older; undefined where the version has no dpkg, so
 * that nothing can be said. Throws YamlFileInvalid, BuildUnavailable, ProgramFailed.
 */
export async function recipeUpgrades(
  repository: Repository,
  version: string,
  recipePath: string,
  signal?: AbortSignal,
): Promise<Upgrade[] | undefined> {
  const { recipe } = await readRecipe(recipePath)
  const status = await statusOf(repository, version)
  if (status === undefined) return undefined
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-upgrades-'))
  try {
    return await findUpgrades({
      ...{ status, directory, signal },
      sources: await findAptSources(recipe, { timeoutMs: shortTimeoutMs, signal }),
      architecture: recipe.source.architecture ?? (await hostArchitecture()),
      aptOptions: await readAptOptions(shortTimeoutMs),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function statusOf(repository: Repository, version: string): Promise<string | undefined> {
  await using _hold = await RepositoryHold.take(repository)
  await using stored = new StoredChunks(repository, await readChunkIndex(repository.directory))
  return readDpkgStatus(new TreeContents(await readTree(repository, version), stored))
}
