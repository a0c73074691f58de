import { DirectoryWalk } from './directory-walk.ts'
import type { ImportOptions } from './image-source.ts'
import { importVersion } from './import-version.ts'
import type { VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { TreeBuilder } from './tree-builder.ts'

/**
 * Imports what is under a directory, as it is: owners, modes, times, attributes, hard links, devices and holes; sockets are
 * left out, because they mean nothing without their process. Run it as root, or other users' files cannot be read.
 * Throws ImageSourceInvalid; leaves nothing behind then.
 */
export function importDirectory(
  repository: Repository,
  directory: string,
  options: VersionDescription & ImportOptions,
): Promise<Version> {
  return importVersion(repository, { kind: 'directory', name: directory }, options, async (session) => {
    const builder = new TreeBuilder()
    await new DirectoryWalk(directory, builder, session.chunks, options).run()
    return { builder }
  })
}
