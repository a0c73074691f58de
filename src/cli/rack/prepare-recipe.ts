import { join } from 'node:path'
import { importRecipe } from '../../build/import-recipe.ts'
import { openSiteKeys } from '../../deploy/site-keys.ts'
import { openRepository } from '../../image/repository.ts'
import { defaultCacheDirectory } from '../../ramdisk/build-ramdisk.ts'
import type { RackSupplies } from './supplies.ts'

/** Builds a recipe of this repository, or finds it in the cache, as the current version of the image of its name. */
export async function prepareRecipe(
  { imagesDirectory, keysDirectory }: Pick<RackSupplies, 'imagesDirectory' | 'keysDirectory'>,
  name: string,
  log: (line: string) => void,
): Promise<void> {
  const { imageKey: signingKey } = await openSiteKeys(keysDirectory)
  await importRecipe(
    await openRepository(imagesDirectory),
    join(import.meta.dirname, '../../../recipes', `${name}.yaml`),
    {
      ...{ image: name, signingKey, comment: 'for the virtual rack' },
      cacheDirectory: join(defaultCacheDirectory(), 'build'),
      onBuild: ({ step, detail }) => log(`image ${name}: ${detail ? `${step}: ${detail}` : step}`),
    },
  )
}
