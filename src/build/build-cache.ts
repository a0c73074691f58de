import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What is kept beside a built archive, and what a build answers. */
export type BuildResult = {
  /** The root filesystem: a pax archive, sorted, with numeric owners and extended attributes. */
  tarPath: string
  tarSha256: string
  sizeBytes: number
  recipeName: string
  /** Of the recipe, everything it names, and the mirrors' InRelease files. */
  recipeHash: string
  inputsHash: string
  sourceDateEpochSeconds: number
  /** Sorted by name. */
  packages: { name: string; version: string }[]
}

/** Of each recipe so many builds stay: the mirrors change daily, and every build is hundreds of megabytes. */
const buildsKept = 3

/** Finished builds as `HASH.tar` or `HASH.tar.zst` with `HASH.json` beside it; the JSON is written last. */
export class BuildCache {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  async open(): Promise<void> {
    // Passable for apt's unprivileged downloader; names in it cannot be listed, and archives have their own mode.
    await mkdir(this.directory, { recursive: true, mode: 0o711 })
  }

  async find(recipeHash: string): Promise<BuildResult | undefined> {
    const result = await this.#read(`${recipeHash}.json`)
    if (result) await utimes(join(this.directory, `${recipeHash}.json`), new Date(), new Date())
    return result
  }

  /** The last build of the same inputs, whatever the mirrors had then. */
  async findNewest(inputsHash: string): Promise<BuildResult | undefined> {
    const builds = (await this.#builds()).filter((build) => build.inputsHash === inputsHash)
    return builds.sort((a, b) => b.sourceDateEpochSeconds - a.sourceDateEpochSeconds)[0]
  }

  /** Moves a finished archive in; both renames are within one filesystem. */
  async put(workTarPath: string, result: Omit<BuildResult, 'tarPath'>): Promise<BuildResult> {
    const extension = workTarPath.endsWith('.zst') ? '.tar.zst' : '.tar'
    const tarPath = join(this.directory, `${result.recipeHash}${extension}`)
    const jsonPath = join(this.directory, `${result.recipeHash}.json`)
    // It holds /etc/shadow.
    await chmod(workTarPath, 0o600)
    await rename(workTarPath, tarPath)
    await writeFile(`${workTarPath}.json`, `${JSON.stringify(result, null, 2)}\n`, { flush: true })
    await rename(`${workTarPath}.json`, jsonPath)
    await this.#prune(result.recipeName)
    return { ...result, tarPath }
  }

  /** Removes the builds of a recipe that were longest not used. */
  async #prune(recipeName: string): Promise<void> {
    const builds = (await this.#builds()).filter((build) => build.recipeName === recipeName)
    builds.sort((a, b) => b.usedAtMs - a.usedAtMs)
    for (const { tarPath, recipeHash } of builds.slice(buildsKept)) {
      await rm(join(this.directory, `${recipeHash}.json`), { force: true })
      await rm(tarPath, { force: true })
    }
  }

  async #builds(): Promise<(BuildResult & { usedAtMs: number })[]> {
    const names = (await readdir(this.directory)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
    const builds = names.map(async (name) => {
      const result = await this.#read(name)
      const entry = await stat(join(this.directory, name)).catch(ignoreMissing)
      return result && entry && { ...result, usedAtMs: entry.mtimeMs }
    })
    return (await Promise.all(builds)).filter((build) => build !== undefined)
  }

  async #read(jsonName: string): Promise<BuildResult | undefined> {
    const text = await readFile(join(this.directory, jsonName), 'utf8').catch(ignoreMissing)
    if (text === undefined) return undefined
    const result = JSON.parse(text) as Omit<BuildResult, 'tarPath'>
    for (const extension of ['.tar', '.tar.zst']) {
      const tarPath = join(this.directory, jsonName.replace(/\.json$/, extension))
      const entry = await stat(tarPath).catch(ignoreMissing)
      if (entry?.size === result.sizeBytes) return { ...result, tarPath }
    }
    return undefined
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
