import { stat } from 'node:fs/promises'
import { ProgramFailed } from '../programs/run-program.ts'
import { BtrfsSnapshot, isReadOnlySubvolume, isSubvolume } from './btrfs-snapshot.ts'
import { DirectoryWalk } from './directory-walk.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { importVersion } from './import-version.ts'
import type { VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { TreeBuilder } from './tree-builder.ts'

/**
 * Imports a btrfs subvolume as it is at this moment: a read-only snapshot is taken, and deleted when it was read; one that
 * is read-only already is read as it is. Subvolumes nested in it are left out, with a word. Needs root, which alone may
 * delete a snapshot and read all files. Throws ImageSourceInvalid; leaves nothing behind then.
 */
export async function importBtrfs(
  repository: Repository,
  subvolume: string,
  options: VersionDescription & ImportOptions,
): Promise<Version> {
  await checkSubvolume(subvolume)
  return importVersion(repository, { kind: 'btrfs', name: subvolume }, options, async (session, resources) => {
    const builder = new TreeBuilder()
    const { directory, snapshotOf } = await openStill(subvolume, resources)
    const walkOptions = { ...options, sourceName: subvolume, subvolume: { snapshotOf } }
    await new DirectoryWalk(directory, builder, session.chunks, walkOptions).run()
    return { builder }
  })
}

async function checkSubvolume(subvolume: string): Promise<void> {
  const invalid = (reason: string) => new ImageSourceInvalid(subvolume, undefined, reason)
  if (!(await stat(subvolume).catch(() => undefined))?.isDirectory()) throw invalid('there is no such directory')
  if (!(await isSubvolume(subvolume))) {
    throw invalid('it is not the root of a btrfs subvolume; import it as a directory')
  }
  if (process.geteuid?.() !== 0) {
    throw invalid('taking and deleting a snapshot, and reading files of all owners, is for root; run it as root')
  }
}

async function openStill(subvolume: string, resources: AsyncDisposableStack) {
  try {
    if (await isReadOnlySubvolume(subvolume)) return { directory: subvolume, snapshotOf: undefined }
    const snapshot = resources.use(await BtrfsSnapshot.take(subvolume))
    return { directory: snapshot.directory, snapshotOf: subvolume }
  } catch (cause) {
    if (!(cause instanceof ProgramFailed)) throw cause
    throw new ImageSourceInvalid(subvolume, undefined, `no snapshot of it can be taken: ${cause.message}`, { cause })
  }
}
