import { join } from 'node:path'
import type { BuildProgress } from '../build/build-steps.ts'
import { importRecipe } from '../build/import-recipe.ts'
import { importArchive } from '../image/archive/import-archive.ts'
import { ImageSourceInvalid, type ImportOptions } from '../image/image-source.ts'
import { importBtrfs } from '../image/import-btrfs.ts'
import { importDirectory } from '../image/import-directory.ts'
import { importDiskTree } from '../image/import-disk-tree.ts'
import { importLxc } from '../image/import-lxc.ts'
import { importOci } from '../image/import-oci.ts'
import { importTar } from '../image/import-tar.ts'
import type { VersionDescription } from '../image/publish-version.ts'
import { importDisk } from '../image/renditions/import-disk.ts'
import type { Repository, Version } from '../image/repository.ts'
import { parsePublicKey } from '../image/signing-key.ts'
import type { ImageJob, JobSetup } from './image-job.ts'
import type { ImportSource } from './import-source.ts'
import type { JobOutput } from './job-output.ts'

export type ImportParts = { repository: Repository; setup: JobSetup; output: JobOutput }

type JobOf<Kind extends ImageJob['kind']> = Extract<ImageJob, { kind: Kind }>

/** Throws ImageSourceInvalid and what the import of such a source throws. */
export async function runImport(job: JobOf<'import'>, parts: ImportParts): Promise<Version> {
  const { image, source, comment, cleanUp, isCurrent } = job
  try {
    return await importSource(
      parts.repository,
      source,
      { ...importOptions(parts), image, comment, cleanUp, isCurrent },
      parts,
    )
  } catch (error) {
    throw explainUnreadable('path' in source ? source.path : source.name, error)
  }
}

/** Throws ImageSourceInvalid, SignatureRefused, KeyUnusable. */
export async function runArchiveImport(job: JobOf<'import-archive'>, parts: ImportParts): Promise<Version> {
  const trusted = job.trust.map((pem, at) => parsePublicKey(pem, `number ${at + 1} of those to trust`))
  const { image, resign: isOriginIgnored, isCurrent } = job
  try {
    const options = { ...importOptions(parts), image, trusted, isOriginIgnored, isCurrent }
    return await importArchive(parts.repository, job.path, options)
  } catch (error) {
    throw explainUnreadable(job.path, error)
  }
}

async function importSource(
  repository: Repository,
  source: ImportSource,
  options: VersionDescription & ImportOptions,
  parts: ImportParts,
): Promise<Version> {
  switch (source.kind) {
    case 'directory':
      return importDirectory(repository, source.path, options)
    case 'tar':
      return importTar(repository, source.path, options)
    case 'btrfs':
      return importBtrfs(repository, source.path, options)
    case 'lxc':
      return importLxc(repository, source.name, { ...options, consistency: source.consistency })
    case 'oci': {
      const { platform, reference, authFile } = source
      return importOci(repository, source.name, { ...options, platform, reference, authFile })
    }
    case 'disk': {
      const { format, partition, subvolume } = source
      if (source.opened) return importDiskTree(repository, source.path, { ...options, format, partition, subvolume })
      return importDisk(repository, source.path, { ...options, format })
    }
    case 'recipe':
      return (await importRecipe(repository, source.path, { ...options, ...recipeOptions(parts) })).version
  }
}

function recipeOptions({ setup, output }: ImportParts) {
  return {
    cacheDirectory: join(setup.buildCacheDirectory, 'build'),
    onBuild: ({ step, detail }: BuildProgress) =>
      output.progress({ label: `build: ${step}${detail ? `: ${detail}` : ''}` }),
  }
}

function importOptions({ output, setup }: ImportParts): ImportOptions & Pick<VersionDescription, 'signingKey'> {
  return {
    signingKey: setup.signingKey,
    signal: output.signal,
    onNotice: (notice) => output.say({ kind: 'notice', ...notice }),
    onProgress: ({ bytesDone, bytesTotal }) =>
      output.progress({ label: 'import', done: bytesDone, ...(bytesTotal !== undefined && { total: bytesTotal }) }),
  }
}

const unreadable: Record<string, string> = {
  ENOENT: 'there is no such file on the machine of the service',
  ENOTDIR: 'a part of its path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'the user the service runs as may not read it',
  EPERM: 'the user the service runs as may not read it',
}

/** A source that cannot be opened is not our fault. */
function explainUnreadable(source: string, error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  const reason = path?.startsWith(source) ? unreadable[code ?? ''] : undefined
  return reason === undefined ? error : new ImageSourceInvalid(source, undefined, reason, { cause: error as Error })
}
