import { FileShrank } from './file-content.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { ImportSession } from './import-session.ts'
import { publishVersion, type VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { checkName } from './repository-layout.ts'
import type { VersionSource } from './statement.ts'
import type { TreeBuilder } from './tree-builder.ts'
import { layOutTree } from './tree-layout.ts'

/**
 * Brings the nodes of a source together. `resources` are closed when the contents of all of them were read, which for
 * small files is after it returns.
 */
export type ReadSource = (session: ImportSession, resources: AsyncDisposableStack) => Promise<TreeBuilder>

/** What every import is around the reading of its source. Leaves nothing behind where that throws. */
export async function importVersion(
  repository: Repository,
  source: VersionSource,
  options: VersionDescription & ImportOptions,
  read: ReadSource,
): Promise<Version> {
  checkName('image', options.image)
  await using session = await ImportSession.begin(repository)
  await using resources = new AsyncDisposableStack()
  try {
    const builder = await read(session, resources)
    const tree = await layOutTree(builder.root, session.chunks)
    options.signal?.throwIfAborted()
    return await publishVersion(session, tree, { ...options, source })
  } catch (error) {
    if (!(error instanceof FileShrank)) throw error
    throw new ImageSourceInvalid(source.name, undefined, `${error.message}; stop what writes to it`, { cause: error })
  }
}
