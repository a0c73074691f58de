import { recipeBase, recipeInputs } from '../build/recipe-inputs.ts'
import { Conflict, NotFound } from '../deploy/refusals.ts'
import { removeTag, rollback, setTag } from '../image/move-tags.ts'
import { resolveReference } from '../image/reference.ts'
import { removeVersion, VersionInUse } from '../image/remove-version.ts'
import type { RamRootForm } from '../image/renditions/rendition-name.ts'
import { listRamRoots, type RamRoot, readRamRoot } from '../image/renditions/stored-ram-root.ts'
import { listRenditions } from '../image/renditions/stored-rendition.ts'
import {
  listVersions,
  openRepository,
  type Repository,
  readSignatures,
  readTags,
  type Version,
} from '../image/repository.ts'
import { decideRetention, readRetention, type VersionUse, writeRetention } from '../image/retention.ts'
import type { ImageJob, JobSetup } from './image-job.ts'
import { ImageJobs, type RunningJob } from './image-jobs.ts'
import type { ImageDetails, ImageSummary, Retention, RetentionVerdict, TagMove } from './image-schemas.ts'
import { resultOf } from './job-end.ts'

export type ImageShelfOptions = JobSetup & {
  /** What machines have or are given: it is not removed. */
  versionsInUse: () => Promise<VersionUse[]>
  onFault?: (job: ImageJob, stack: string) => void
}

export async function openImageShelf(options: ImageShelfOptions): Promise<ImageShelf> {
  return new ImageShelf(await openRepository(options.imageDirectory), options)
}

/** The images of one repository, as the API needs them: what is short is done here, jobs do the rest. */
export class ImageShelf {
  readonly #repository: Repository
  readonly #versionsInUse: () => Promise<VersionUse[]>
  readonly #jobs: ImageJobs
  #last: Promise<unknown> = Promise.resolve()

  constructor(repository: Repository, options: ImageShelfOptions) {
    const { imageDirectory, buildCacheDirectory, signingKey, versionsInUse, onFault = () => {} } = options
    this.#repository = repository
    this.#versionsInUse = versionsInUse
    this.#jobs = new ImageJobs({ imageDirectory, buildCacheDirectory, signingKey }, onFault)
  }

  async list(): Promise<ImageSummary[]> {
    const byImage = Map.groupBy(await listVersions(this.#repository), (version) => version.image)
    const images = [...byImage].map(async ([name, versions]) => ({
      ...{ name, versions: versions.length },
      tags: Object.fromEntries(await readTags(this.#repository, name)),
    }))
    return (await Promise.all(images)).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** All versions of all images, the newest first. */
  versions(): Promise<Version[]> {
    return listVersions(this.#repository)
  }

  /** Versions newest first. Throws NotFound. */
  async show(name: string): Promise<ImageDetails> {
    const versions = await listVersions(this.#repository, name)
    if (versions.length === 0)
      throw new NotFound(`There is no image "${name}"; 'bootwright image list' shows those there are`)
    const [tags, retention] = await Promise.all([readTags(this.#repository, name), this.retention(name)])
    return { name, tags: Object.fromEntries(tags), retention, versions }
  }

  /** `NAME`, `NAME:TAG` or `NAME@VERSION`. Throws ReferenceUnknown, DecodeError. */
  resolve(reference: string): Promise<Version> {
    return resolveReference(this.#repository, reference)
  }

  /** Resolves a reference, and removes no version until `use` has written down that it needs this one. */
  async hold<Result>(reference: string, use: (version: Version) => Promise<Result>): Promise<Result> {
    return this.holdAll([reference], (versions) => use(versions.get(reference)!))
  }

  /** Likewise of several: versions by reference. */
  async holdAll<Result>(
    references: readonly string[],
    use: (versions: ReadonlyMap<string, Version>) => Promise<Result>,
  ): Promise<Result> {
    return this.#inTurn(async () => {
      const resolved = references.map(async (each) => [each, await this.resolve(each)] as const)
      return use(new Map(await Promise.all(resolved)))
    })
  }

  /** Names of the renditions that a version has beside its tree (renditions/rendition-name.ts). */
  async renditions(version: string): Promise<string[]> {
    const repository = this.#repository
    return [...(await listRenditions(repository, version)), ...(await listRamRoots(repository, version))]
  }

  /** What was made of a version to run it from memory; undefined where it was not yet. */
  ramRoot(version: string, form: RamRootForm): Promise<RamRoot | undefined> {
    return readRamRoot(this.#repository, version, form)
  }

  /** The first of the versions that the repository has. */
  async firstKnown(versions: readonly string[]): Promise<string | undefined> {
    for (const version of versions) {
      if ((await readSignatures(this.#repository, version)).length > 0) return version
    }
    return undefined
  }

  /** Returns when the rendition is made; who wants to see its progress starts the job. Throws JobFailed, NotReady. */
  async makeRendition(version: string, rendition: string): Promise<void> {
    await resultOf(this.start({ kind: 'rendition', version, rendition }))
  }

  /** The version that a recipe builds on now, if it is a layer. Throws YamlFileInvalid, ReferenceUnknown. */
  recipeBase(recipePath: string): Promise<string | undefined> {
    return recipeBase(this.#repository, recipePath)
  }

  /** Hash of what counts of a recipe but the mirrors. Throws YamlFileInvalid, ReferenceUnknown. */
  recipeInputs(recipePath: string): Promise<string | undefined> {
    return recipeInputs(this.#repository, recipePath)
  }

  async setTag(reference: string, tag: string): Promise<TagMove> {
    const move = await setTag(this.#repository, reference, tag)
    return { ...move, from: move.from ?? null }
  }

  removeTag(image: string, tag: string): Promise<void> {
    return removeTag(this.#repository, image, tag)
  }

  async rollback(image: string, to?: string): Promise<TagMove> {
    const move = await rollback(this.#repository, image, to)
    return { ...move, from: move.from ?? null }
  }

  async retention(image: string): Promise<Retention> {
    return { keepNewest: (await readRetention(this.#repository, image))?.keepNewest ?? null }
  }

  setRetention(image: string, { keepNewest }: Retention): Promise<void> {
    return writeRetention(this.#repository, image, keepNewest === null ? undefined : { keepNewest })
  }

  /** Of a version in use only `force` removes its tags; what a machine has or is given stays. Throws VersionInUse. */
  remove(reference: string, { force = false } = {}): Promise<Version> {
    return this.#inTurn(async () => {
      const version = await this.resolve(reference)
      const uses = (await this.#versionsInUse()).filter((use) => use.version === version.id)
      const isLast = (await listVersions(this.#repository)).filter(({ id }) => id === version.id).length === 1
      if (uses.length > 0 && isLast)
        throw new VersionInUse(
          version.image,
          version.id,
          uses.map(({ why }) => why),
        )
      await removeVersion(this.#repository, version.image, version.id, { withTags: force })
      return version
    })
  }

  /** Removes what no policy keeps, of one image or of all; says it only, where `dryRun`. */
  applyRetention({ image, dryRun }: { image?: string | undefined; dryRun: boolean }): Promise<RetentionVerdict[]> {
    return this.#inTurn(async () => {
      const inUse = await this.#versionsInUse()
      const verdicts: RetentionVerdict[] = []
      for (const [name, versions] of Map.groupBy(await listVersions(this.#repository, image), (one) => one.image)) {
        for (const { version, because } of decideRetention(
          versions,
          await readRetention(this.#repository, name),
          inUse,
        )) {
          verdicts.push({ image: name, version: version.id, because })
          if (because.length === 0 && !dryRun) await this.#removeUntagged(version)
        }
      }
      return verdicts
    })
  }

  /** Long work, in a thread of its own. Throws NotReady. */
  start(job: ImageJob): RunningJob {
    return this.#jobs.start(job)
  }

  /** One that was tagged a moment ago stays. */
  async #removeUntagged({ image, id }: Version): Promise<void> {
    try {
      await removeVersion(this.#repository, image, id)
    } catch (error) {
      if (!(error instanceof VersionInUse)) throw error
      throw new Conflict(`${error.message}; ask again`, { cause: error })
    }
  }

  /** One after the other: who needs a version, and who removes those that nobody needs. */
  #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(action)
    this.#last = result.catch(() => undefined)
    return result
  }
}
