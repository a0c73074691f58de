import { readFile } from 'node:fs/promises'
import { resolveReference } from '../image/reference.ts'
import type { Repository } from '../image/repository.ts'
import { hostArchitecture } from './host-architecture.ts'
import { readRecipe } from './read-recipe.ts'
import { parseRecipe, type Recipe } from './recipe.ts'
import { hashInputs } from './recipe-hash.ts'

/** The version that a layer builds on now; undefined for a recipe of another kind. Throws YamlFileInvalid, ReferenceUnknown. */
export async function recipeBase(repository: Repository, recipePath: string): Promise<string | undefined> {
  return baseOf(repository, parseRecipe(await readFile(recipePath, 'utf8'), recipePath).content)
}

/**
 * Hash of all that counts of a recipe but the mirrors; undefined where what it builds on would have to be imported first. Throws
 * YamlFileInvalid, ReferenceUnknown.
 */
export async function recipeInputs(repository: Repository, recipePath: string): Promise<string | undefined> {
  const read = await readRecipe(recipePath)
  const { source } = read.recipe
  const base = await baseOf(repository, read.recipe)
  if (base === undefined && source.kind !== 'mmdebstrap') return undefined
  return hashInputs(read, source.architecture ?? (await hostArchitecture()), base)
}

async function baseOf(repository: Repository, { source }: Recipe): Promise<string | undefined> {
  return source.kind === 'image' ? (await resolveReference(repository, source.image)).id : undefined
}
