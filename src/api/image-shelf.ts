import { join } from 'node:path'
import { buildRecipe } from '../build/build-recipe.ts'
import type { BuildProgress } from '../build/build-steps.ts'
import { NotFound } from '../deploy/refusals.ts'
import { importDirectory } from '../image/import-directory.ts'
import { importTar } from '../image/import-tar.ts'
import { resolveReference } from '../image/reference.ts'
import { listVersions, openRepository, readTags, type Version } from '../image/repository.ts'
import type { SigningKey } from '../image/signing-key.ts'
import type { ImageShelf, ImportProgress, VersionSummary } from './image-routes.ts'

/** The images of one repository, as the API needs them. */
export async function openImageShelf(options: {
  imageDirectory: string
  buildCacheDirectory: string
  signingKey: SigningKey
}): Promise<ImageShelf> {
  const { signingKey, buildCacheDirectory } = options
  const repository = await openRepository(options.imageDirectory)
  return {
    async list() {
      const byImage = Map.groupBy(await listVersions(repository), (version) => version.image)
      return Promise.all(
        [...byImage].map(async ([name, versions]) => ({
          name,
          versions: versions.length,
          tags: Object.fromEntries(await readTags(repository, name)),
        })),
      )
    },
    async show(name) {
      const versions = await listVersions(repository, name)
      if (versions.length === 0)
        throw new NotFound(`There is no image "${name}"; 'bootwright image list' shows those there are`)
      return { tags: Object.fromEntries(await readTags(repository, name)), versions: versions.map(summarise) }
    },
    async resolve(reference) {
      const { image, id } = await resolveReference(repository, reference)
      return { image, version: id }
    },
    async import({ image, source, comment, onProgress, signal }) {
      const importOptions = {
        image,
        comment,
        signingKey,
        signal,
        onProgress: throttle((progress: { bytesDone: number; bytesTotal: number | undefined }) =>
          onProgress({
            label: 'import',
            done: progress.bytesDone,
            ...(progress.bytesTotal !== undefined && { total: progress.bytesTotal }),
          }),
        ),
      }
      if (source.kind === 'directory') return summarise(await importDirectory(repository, source.path, importOptions))
      if (source.kind === 'tar') return summarise(await importTar(repository, source.path, importOptions))
      const { tarPath, recipeHash } = await buildRecipe(source.path, {
        cacheDirectory: join(buildCacheDirectory, 'build'),
        onProgress: (progress: BuildProgress) => onProgress(describeBuild(progress)),
        signal,
      })
      return summarise(await importTar(repository, tarPath, { ...importOptions, recipeHash }))
    },
  }
}

function summarise(version: Version): VersionSummary {
  const { id, image, createdAt, sizeBytes, storedBytes, entries, comment, recipeHash } = version
  return {
    ...{ id, image, createdAt, sizeBytes, storedBytes, entries },
    ...(comment !== undefined && { comment }),
    ...(recipeHash !== undefined && { recipeHash }),
  }
}

function describeBuild({ step, detail }: BuildProgress): ImportProgress {
  return { label: `build: ${step}${detail ? `: ${detail}` : ''}` }
}

const progressEveryMs = 200

function throttle<Value>(report: (value: Value) => void): (value: Value) => void {
  let reportedAt = 0
  return (value) => {
    if (performance.now() - reportedAt < progressEveryMs) return
    reportedAt = performance.now()
    report(value)
  }
}
