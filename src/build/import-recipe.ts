import type { ImportOptions } from '../image/image-source.ts'
import { importTar } from '../image/import-tar.ts'
import type { VersionDescription } from '../image/publish-version.ts'
import { ensureRendition } from '../image/renditions/ensure-rendition.ts'
import { isRamRootForm, parseRenditionName } from '../image/renditions/rendition-name.ts'
import { listVersions, type Repository, type Version } from '../image/repository.ts'
import { ensureRamRoot } from '../ramroot/ensure-ram-root.ts'
import { type BuildOptions, buildRecipe } from './build-recipe.ts'
import { readRecipe } from './read-recipe.ts'
import { cleanUpOf } from './recipe.ts'
import { RepositoryBases } from './repository-bases.ts'

export type RecipeImport = Omit<VersionDescription, 'recipeHash' | 'source' | 'cleanUp'> &
  Pick<ImportOptions, 'onNotice' | 'signal'> & {
    cacheDirectory: string
    onBuild?: BuildOptions['onProgress']
    onProgress?: ImportOptions['onProgress']
  }

/**
 * Builds a recipe, or finds it in the cache, and makes it the current version of an image, with the renditions it names.
 * `tarPath` is the build's own archive. Where the image has that build as its current version already, that one is it, and
 * nothing is imported. Throws YamlFileInvalid, BuildUnavailable, BuildFailed, and what the import of the source throws.
 */
export async function importRecipe(
  repository: Repository,
  recipePath: string,
  { cacheDirectory, onBuild, ...options }: RecipeImport,
): Promise<{ version: Version; tarPath: string }> {
  const read = await readRecipe(recipePath)
  const { recipe } = read
  const { signal, image } = options
  const { tarPath, recipeHash } = await buildRecipe(read, {
    cacheDirectory,
    bases: new RepositoryBases(repository, { name: recipe.name, path: recipePath }, options),
    ...(onBuild && { onProgress: onBuild }),
    ...(signal && { signal }),
  })
  const versions = await listVersions(repository, image)
  const isWanted = ({ tags }: Version) => options.isCurrent === false || tags.includes('current')
  const known = versions.find((version) => version.recipeHash === recipeHash && isWanted(version))
  const version =
    known ?? (await importTar(repository, tarPath, { ...options, recipeHash, cleanUp: cleanUpOf(recipe) }))
  for (const output of recipe.outputs ?? []) {
    if (isRamRootForm(output)) await ensureRamRoot(repository, version.id, output, { signal })
    else {
      const { signingKey } = options
      await ensureRendition(repository, version.id, parseRenditionName(output), {
        signingKey,
        ...(signal && { signal }),
      })
    }
  }
  return { version, tarPath }
}
