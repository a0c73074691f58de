import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { renderTemplate } from '../core/template.ts'
import { type CheckedFile, type FileProblem, YamlFileInvalid } from '../core/yaml-file.ts'
import { hashFolder } from './hash-folder.ts'
import { hashPassword } from './password-hash.ts'
import {
  parseRecipe,
  type Recipe,
  type RecipeConfiguration,
  type RecipeFile,
  type RecipeSecret,
  type RecipeUser,
  templateProblems,
} from './recipe.ts'

/** A user with everything read that stood outside the recipe. */
export type ReadUser = Pick<RecipeUser, 'name' | 'group' | 'groups' | 'shell'> & {
  passwordHash?: string
  authorizedKeys: string[]
}

export type ReadFile = Pick<RecipeFile, 'path' | 'link' | 'mode' | 'owner' | 'group'> & { content?: Buffer }

type Place = FileProblem['path']

/** A folder of configuration management, and the hash of what is in it. */
export type ReadConfiguration = RecipeConfiguration & { directory: string; digest: string }

/** A recipe and all it refers to, so that the build reads nothing else but the folders of `configurations`. */
export type ReadRecipe = {
  recipePath: string
  recipe: Recipe
  users: ReadUser[]
  files: ReadFile[]
  configurations: ReadConfiguration[]
  secrets: { name: string; content: Buffer }[]
}

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
    const { users = [], files = [], configure = [], secrets = {} } = recipe
    return {
      recipePath: this.#recipePath,
      recipe,
      users: await Promise.all(users.map((user, index) => this.#user(user, ['users', index]))),
      files: await Promise.all(files.map((file, index) => this.#content(file, ['files', index]))),
      configurations: await Promise.all(configure.map((one, index) => this.#configuration(one, ['configure', index]))),
      secrets: await Promise.all(
        Object.entries(secrets).map(async ([name, secret]) => ({
          name,
          content: await this.#outside(secret, ['secrets', name]),
        })),
      ),
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
    const plain = (await this.#outside(password, place)).toString('utf8').replace(/\r?\n$/, '')
    return hashPassword(plain, `${this.#file.content.name}/${userName}`)
  }

  /** Of a file or a variable, which must not be empty. */
  async #outside(secret: RecipeSecret, place: Place): Promise<Buffer> {
    const content = 'env' in secret ? Buffer.from(process.env[secret.env] ?? '') : await this.#named(secret.file, place)
    if (content.toString('latin1').trim() !== '') return content
    const source = 'env' in secret ? `environment variable ${secret.env}` : `file ${secret.file}`
    return this.#file.refuse([{ path: place, message: `it is empty: the ${source} holds nothing` }])
  }

  async #configuration(configuration: RecipeConfiguration, place: Place): Promise<ReadConfiguration> {
    const directory = resolve(dirname(this.#recipePath), configuration.from)
    const found = await stat(directory).catch(() => undefined)
    if (!found?.isDirectory()) {
      return this.#file.refuse([{ path: [...place, 'from'], message: `${directory} is no folder that can be read` }])
    }
    return { ...configuration, directory, digest: await hashFolder(directory) }
  }

  async #content({ from, content, ...file }: RecipeFile, place: Place): Promise<ReadFile> {
    const { template, ...written } = file
    const read = from === undefined ? content && Buffer.from(content) : await this.#named(from, [...place, 'from'])
    if (read === undefined || read === '')
      return content === undefined ? written : { ...written, content: Buffer.alloc(0) }
    return { ...written, content: template ? this.#rendered(read.toString('utf8'), place) : read }
  }

  #rendered(text: string, place: Place): Buffer {
    const { variables = {} } = this.#file.content
    const problems = templateProblems(text, variables)
    if (problems.length > 0) this.#file.refuse(problems.map((message) => ({ path: place, message })))
    return Buffer.from(renderTemplate(text, new Map(Object.entries(variables))).text)
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
