import { join } from 'node:path'
import { buildRecipe } from '../build/build-recipe.ts'
import { exportVersion } from '../image/archive/export-version.ts'
import { importArchive } from '../image/archive/import-archive.ts'
import { diffVersions } from '../image/diff/diff-versions.ts'
import type { ImportOptions } from '../image/image-source.ts'
import { importDirectory } from '../image/import-directory.ts'
import { importOci } from '../image/import-oci.ts'
import { importTar } from '../image/import-tar.ts'
import type { VersionDescription } from '../image/publish-version.ts'
import { importDisk } from '../image/renditions/import-disk.ts'
import type { Repository, Version } from '../image/repository.ts'
import { parsePublicKey } from '../image/signing-key.ts'
import type { ReadStore } from '../image/store/chunk-store.ts'
import { openReadStore } from '../image/store/open-store.ts'
import { pruneRepository } from '../image/upkeep/prune-repository.ts'
import type { UpkeepProgress } from '../image/upkeep/prune-result.ts'
import { repairRepository } from '../image/upkeep/repair-repository.ts'
import { verifyRepository } from '../image/upkeep/verify-repository.ts'
import type { ImageJob, JobSetup } from './image-job.ts'
import type { JobOutput } from './job-output.ts'

export type JobParts = {
  repository: Repository
  setup: JobSetup
  output: JobOutput
  /** Before the first byte of an export. */
  tellSize: (sizeBytes: number) => void
}

type JobOf<Kind extends ImageJob['kind']> = Extract<ImageJob, { kind: Kind }>

/** Runs a job in this thread and writes its answer. Throws what the work throws. */
export async function runImageJob(job: ImageJob, parts: JobParts): Promise<void> {
  const { repository, output, tellSize } = parts
  const result = async (value: unknown) => output.line({ kind: 'result', result: value })
  switch (job.kind) {
    case 'import':
      return result(await importSource(job, parts))
    case 'import-archive':
      return result(await importFromArchive(job, parts))
    case 'diff': {
      const onFiles = (files: unknown) => output.line({ kind: 'part', part: files as object })
      return result(await diffVersions(repository, job.before, job.after, { onFiles, signal: output.signal }))
    }
    case 'verify':
      return result(await verify(job, parts))
    case 'prune': {
      const { graceMs, dryRun, verdicts } = job
      await output.line({ kind: 'part', part: verdicts })
      return result(await pruneRepository(repository, { graceMs, dryRun, ...upkeepOptions(output) }))
    }
    case 'export':
      await exportVersion(repository, job, {
        onSize: tellSize,
        write: (bytes) => output.write(bytes),
        signal: output.signal,
      })
  }
}

function importOptions({ output, setup }: JobParts): ImportOptions & Pick<VersionDescription, 'signingKey'> {
  return {
    signingKey: setup.signingKey,
    signal: output.signal,
    onNotice: (notice) => output.say({ kind: 'notice', ...notice }),
    onProgress: ({ bytesDone, bytesTotal }) =>
      output.progress({ label: 'import', done: bytesDone, ...(bytesTotal !== undefined && { total: bytesTotal }) }),
  }
}

async function importSource({ image, source, comment }: JobOf<'import'>, parts: JobParts): Promise<Version> {
  const { repository } = parts
  const options = { ...importOptions(parts), image, comment }
  switch (source.kind) {
    case 'directory':
      return importDirectory(repository, source.path, options)
    case 'tar':
      return importTar(repository, source.path, options)
    case 'oci': {
      const { platform, reference, authFile } = source
      return importOci(repository, source.name, { ...options, platform, reference, authFile })
    }
    case 'disk':
      return importDisk(repository, source.path, { ...options, format: source.format })
    case 'recipe': {
      const { tarPath, recipeHash } = await build(source.path, parts)
      return importTar(repository, tarPath, { ...options, recipeHash })
    }
  }
}

function build(recipe: string, { setup, output }: JobParts) {
  return buildRecipe(recipe, {
    cacheDirectory: join(setup.buildCacheDirectory, 'build'),
    onProgress: ({ step, detail }) => output.progress({ label: `build: ${step}${detail ? `: ${detail}` : ''}` }),
    signal: output.signal,
  })
}

function importFromArchive(job: JobOf<'import-archive'>, parts: JobParts): Promise<Version> {
  return importArchive(parts.repository, job.path, {
    ...importOptions(parts),
    image: job.image,
    trusted: job.trust.map((pem, at) => parsePublicKey(pem, `number ${at + 1} of those to trust`)),
    isOriginIgnored: job.resign,
    isCurrent: job.isCurrent,
  })
}

/** The answer is a RepairResult in both cases. */
async function verify({ repair, repairFrom }: JobOf<'verify'>, { repository, setup, output }: JobParts) {
  const options = { publicKeyPem: setup.signingKey.publicKeyPem, ...upkeepOptions(output) }
  if (!repair && repairFrom.length === 0) {
    const report = await verifyRepository(repository, options)
    return { before: report, repairs: [], unreachable: [], after: report }
  }
  await using opened = new AsyncDisposableStack()
  const sources: ReadStore[] = []
  for (const place of repairFrom) sources.push(opened.use(await openReadStore(place, repository)))
  return await repairRepository(repository, { ...options, sources })
}

function upkeepOptions(output: JobOutput) {
  return {
    signal: output.signal,
    onProgress: ({ step, done, total }: UpkeepProgress) =>
      output.progress({ label: step.replace('-', ' '), ...(isInBytes(step) && { done, total }) }),
  }
}

function isInBytes(step: UpkeepProgress['step']): boolean {
  return step === 'reading-packs'
}
