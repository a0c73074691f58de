import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type CheckedFile, type FileProblem, YamlFileInvalid } from '../core/yaml-file.ts'
import { hashPassword } from './password-hash.ts'
import { parseRecipe, type Recipe, type RecipeFile, type RecipeUser } from './recipe.ts'

/** A user with everything read that stood outside the recipe. */
export type ReadUser = Pick<RecipeUser, 'name' | 'group' | 'groups' | 'shell'> & {
  passwordHash?: string
  authorizedKeys: string[]
}

export type ReadFile = Pick<RecipeFile, 'path' | 'link' | 'mode' | 'owner' | 'group'> & { content?: Buffer }

type Place = FileProblem['path']

/** A recipe and all it refers to, so that the build reads nothing else. */
export type ReadRecipe = { recipePath: string; recipe: Recipe; users: ReadUser[]; files: ReadFile[] }

/** Throws YamlFileInvalid, also when a file or variable it names cannot be read. */
export async function readRecipe(recipePath: string): Promise<ReadRecipe> {
  let text: string
  try {
    text = await readFile(recipePath, 'utf8')
  } catch (cause) {
    throw new YamlFileInvalid('recipe', recipePath, [(cause as Error).message], cause)
  }
  return new RecipeReader(recipePath, parseRecipe(text, recipePath)).read()
}

class RecipeReader {
  readonly #recipePath: string
  readonly #file: CheckedFile<Recipe>

  constructor(recipePath: string, file: CheckedFile<Recipe>) {
    this.#recipePath = recipePath
    this.#file = file
  }

  async read(): Promise<ReadRecipe> {
    const recipe = this.#file.content
    const { users = [], files = [] } = recipe
    return {
      recipePath: this.#recipePath,
      recipe,
      users: await Promise.all(users.map((user, index) => this.#user(user, ['users', index]))),
      files: await Promise.all(files.map((file, index) => this.#content(file, ['files', index]))),
    }
  }

  async #user({ authorizedKeysFile, password, ...user }: RecipeUser, place: Place): Promise<ReadUser> {
    const authorizedKeys = [...(user.authorizedKeys ?? [])]
    if (authorizedKeysFile !== undefined) {
      const text = (await this.#named(authorizedKeysFile, [...place, 'authorizedKeysFile'])).toString('utf8')
      authorizedKeys.push(...text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')))
    }
    if (!password) return { ...user, authorizedKeys }
    const passwordHash = await this.#passwordHash(password, user.name, [...place, 'password'])
    return { ...user, authorizedKeys, passwordHash }
  }

  async #passwordHash(password: NonNullable<RecipeUser['password']>, userName: string, place: Place): Promise<string> {
    if ('hash' in password) return password.hash
    const plain = 'env' in password ? process.env[password.env] : await this.#passwordIn(password.file, place)
    if (plain) return hashPassword(plain, `${this.#file.content.name}/${userName}`)
    const source = 'env' in password ? `environment variable ${password.env}` : `file ${password.file}`
    return this.#file.refuse([{ path: place, message: `it is empty: the ${source} holds nothing` }])
  }

  async #passwordIn(path: string, place: Place): Promise<string> {
    return (await this.#named(path, place)).toString('utf8').replace(/\r?\n$/, '')
  }

  async #content({ from, content, ...file }: RecipeFile, place: Place): Promise<ReadFile> {
    if (from !== undefined) return { ...file, content: await this.#named(from, [...place, 'from']) }
    return content === undefined ? file : { ...file, content: Buffer.from(content) }
  }

  /** Paths are relative to the recipe's own folder. */
  async #named(path: string, place: Place): Promise<Buffer> {
    const full = resolve(dirname(this.#recipePath), path)
    try {
      return await readFile(full)
    } catch (cause) {
      const message = `${full} cannot be read: ${(cause as Error).message}`
      return this.#file.refuse([{ path: place, message }], cause)
    }
  }
}
