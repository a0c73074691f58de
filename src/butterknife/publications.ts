import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DecodeError } from '../bytes/decode-error.ts'
import { writeFileDurably } from '../image/durable-file.ts'
import { checkName } from '../image/repository-layout.ts'
import { parseNetwork } from './networks.ts'

/** An image that the Butterknife API shows to clients of these networks, and to nobody else. */
export const Publication = Type.Object({
  image: Type.String(),
  description: Type.String({ maxLength: 1000 }),
  networks: Type.Array(Type.String(), { minItems: 1, maxItems: 256 }),
})
export type Publication = Static<typeof Publication>

/** Publications as files IMAGE.json of one directory, read anew each time: the one who serves is another thread. */
export class Publications {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** By name. Throws DecodeError. */
  async list(): Promise<Publication[]> {
    const names = await readdir(this.#directory).catch(absentIsEmpty)
    const images = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    const found = await Promise.all(images.sort().map((image) => this.find(image)))
    return found.filter((publication) => publication !== undefined)
  }

  /** Undefined where the image is not published. Throws DecodeError. */
  async find(image: string): Promise<Publication | undefined> {
    const file = this.#file(image)
    const text = await readFile(file, 'utf8').catch(absentIsEmpty)
    return typeof text === 'string' ? decodePublication(file, text) : undefined
  }

  /** In place of what was said of this image before. Throws DecodeError for a name or a network that is none. */
  async put({ image, description, networks }: Publication): Promise<Publication> {
    const publication = { image: checkName('image', image), description, networks: networks.map(parseNetwork) }
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    await writeFileDurably(this.#file(image), `${JSON.stringify(publication)}\n`)
    return publication
  }

  /** False where it was not published. */
  async remove(image: string): Promise<boolean> {
    const isThere = (await this.find(image)) !== undefined
    await rm(this.#file(image), { force: true })
    return isThere
  }

  #file(image: string): string {
    return path.join(this.#directory, `${checkName('image', image)}.json`)
  }
}

function decodePublication(file: string, text: string): Publication {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DecodeError('publication', `${file} is not JSON`)
  }
  if (!Value.Check(Publication, value)) throw new DecodeError('publication', `${file} does not have the form of one`)
  return { ...value, networks: value.networks.map(parseNetwork) }
}

function absentIsEmpty(error: NodeJS.ErrnoException): [] {
  if (error.code === 'ENOENT') return []
  throw error
}
