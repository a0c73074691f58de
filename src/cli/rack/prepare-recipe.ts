import { join } from 'node:path'
import { buildRecipe } from '../../build/build-recipe.ts'
import { openSiteKeys } from '../../deploy/site-keys.ts'
import { importTar } from '../../image/import-tar.ts'
import { listVersions, openRepository } from '../../image/repository.ts'
import { defaultCacheDirectory } from '../../ramdisk/build-ramdisk.ts'
import type { RackSupplies } from './supplies.ts'

/** Builds a recipe of this repository, or finds it in the cache, as the current version of the image of its name. */
export async function prepareRecipe(
  { imagesDirectory, keysDirectory }: RackSupplies,
  name: string,
  log: (line: string) => void,
): Promise<void> {
  const recipe = join(import.meta.dirname, '../../../recipes', `${name}.yaml`)
  const { tarPath, recipeHash } = await buildRecipe(recipe, {
    cacheDirectory: join(defaultCacheDirectory(), 'build'),
    onProgress: ({ step, detail }) => log(`image ${name}: ${detail ? `${step}: ${detail}` : step}`),
  })
  const repository = await openRepository(imagesDirectory)
  const versions = await listVersions(repository, name)
  if (versions.some((version) => version.recipeHash === recipeHash && version.tags.includes('current'))) return
  const { imageKey: signingKey } = await openSiteKeys(keysDirectory)
  await importTar(repository, tarPath, { image: name, recipeHash, signingKey, comment: 'for the virtual rack' })
}
