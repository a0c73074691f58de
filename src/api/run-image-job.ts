import { recipeUpgrades } from '../build/recipe-upgrades.ts'
import { exportVersion } from '../image/archive/export-version.ts'
import { diffVersions } from '../image/diff/diff-versions.ts'
import type { ImportNotice } from '../image/image-source.ts'
import type { Repository } from '../image/repository.ts'
import { makeSbom } from '../image/sbom/make-sbom.ts'
import type { ReadStore } from '../image/store/chunk-store.ts'
import { openReadStore } from '../image/store/open-store.ts'
import { pruneRepository } from '../image/upkeep/prune-repository.ts'
import type { UpkeepProgress } from '../image/upkeep/prune-result.ts'
import { repairRepository } from '../image/upkeep/repair-repository.ts'
import type { RamRootName } from '../image/upkeep/scan-ram-root.ts'
import { verifyRepository } from '../image/upkeep/verify-repository.ts'
import { ensureRamRoot } from '../ramroot/ensure-ram-root.ts'
import type { ImageJob, JobSetup } from './image-job.ts'
import type { JobOutput } from './job-output.ts'
import { runArchiveImport, runImport } from './run-import-job.ts'
import { runDelta, runRendition } from './run-rendition-job.ts'

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
      return result(await runImport(job, parts))
    case 'import-archive':
      return result(await runArchiveImport(job, parts))
    case 'diff': {
      const onFiles = (files: unknown) => output.line({ kind: 'part', part: files as object })
      return result(await diffVersions(repository, job.before, job.after, { onFiles, signal: output.signal }))
    }
    case 'upgrades':
      return result((await recipeUpgrades(repository, job.version, job.recipePath, output.signal)) ?? null)
    case 'sbom': {
      const onNotice = (notice: ImportNotice) => output.say({ kind: 'notice', ...notice })
      return result(await makeSbom(repository, job.version, onNotice))
    }
    case 'rendition':
      return result(await runRendition(job, parts))
    case 'delta':
      return result(await runDelta(job, parts))
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
  const makeRamRoot = ({ version, form }: RamRootName) =>
    ensureRamRoot(repository, version, form, { signal: output.signal })
  return await repairRepository(repository, { ...options, sources, makeRamRoot })
}

function upkeepOptions(output: JobOutput) {
  return {
    signal: output.signal,
    onProgress: ({ step, done, total }: UpkeepProgress) =>
      output.progress({ label: step.replace('-', ' '), done, total, unit: 'pieces' }),
  }
}
