import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { RecipeInvalid } from './build-errors.ts'
import { hashPassword } from './password-hash.ts'
import { parseRecipe, type Recipe, type RecipeFile, type RecipeUser } from './recipe.ts'

/** A user with everything read that stood outside the recipe. */
export type ReadUser = Pick<RecipeUser, 'name' | 'group' | 'groups' | 'shell'> & {
  passwordHash?: string
  authorizedKeys: string[]
}

export type ReadFile = Pick<RecipeFile, 'path' | 'link' | 'mode' | 'owner' | 'group'> & { content?: Buffer }

/** A recipe and all it refers to, so that the build reads nothing else. */
export type ReadRecipe = { recipePath: string; recipe: Recipe; users: ReadUser[]; files: ReadFile[] }

/** Throws RecipeInvalid, also when a file or variable it names cannot be read. */
export async function readRecipe(recipePath: string): Promise<ReadRecipe> {
  const text = await readNamed(recipePath, recipePath)
  const recipe = parseRecipe(text.toString('utf8'), recipePath)
  const users = await Promise.all((recipe.users ?? []).map((user) => readUser(user, recipe.name, recipePath)))
  const files = await Promise.all((recipe.files ?? []).map((file) => readRecipeFile(file, recipePath)))
  return { recipePath, recipe, users, files }
}

async function readUser(user: RecipeUser, recipeName: string, recipePath: string): Promise<ReadUser> {
  const { authorizedKeysFile, password, ...rest } = user
  const authorizedKeys = [...(user.authorizedKeys ?? [])]
  if (authorizedKeysFile !== undefined) {
    const text = (await readNamed(authorizedKeysFile, recipePath)).toString('utf8')
    authorizedKeys.push(...text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')))
  }
  if (!password) return { ...rest, authorizedKeys }
  if ('hash' in password) return { ...rest, authorizedKeys, passwordHash: password.hash }
  const plain = 'file' in password ? await readPassword(password.file, recipePath) : process.env[password.env]
  if (!plain) {
    const place = 'file' in password ? `file ${password.file}` : `environment variable ${password.env}`
    throw new RecipeInvalid(recipePath, [`the password of ${user.name} is empty: the ${place} holds nothing`])
  }
  return { ...rest, authorizedKeys, passwordHash: await hashPassword(plain, `${recipeName}/${user.name}`) }
}

async function readPassword(path: string, recipePath: string): Promise<string> {
  return (await readNamed(path, recipePath)).toString('utf8').replace(/\r?\n$/, '')
}

async function readRecipeFile(file: RecipeFile, recipePath: string): Promise<ReadFile> {
  const { from, content, ...rest } = file
  if (from !== undefined) return { ...rest, content: await readNamed(from, recipePath) }
  return content === undefined ? rest : { ...rest, content: Buffer.from(content) }
}

/** Paths are relative to the recipe's own folder. */
async function readNamed(path: string, recipePath: string): Promise<Buffer> {
  const full = path === recipePath ? path : resolve(dirname(recipePath), path)
  try {
    return await readFile(full)
  } catch (cause) {
    throw new RecipeInvalid(recipePath, [`${full} cannot be read: ${(cause as Error).message}`], cause)
  }
}
