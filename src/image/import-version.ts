import { type CleanedUp, cleanUp } from './clean-up/clean-up.ts'
import { FileShrank } from './file-content.ts'
import { ImageSourceInvalid, type ImportNotice, type ImportOptions } from './image-source.ts'
import { ImportSession } from './import-session.ts'
import { publishVersion, type VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { checkName } from './repository-layout.ts'
import type { VersionSource } from './statement.ts'
import type { TreeBuilder } from './tree-builder.ts'
import { layOutTree } from './tree-layout.ts'

/** The nodes of a source, and the configuration of the container they belong to. */
export type SourceTree = { builder: TreeBuilder; config?: string }

/**
 * Brings the nodes of a source together. `resources` are closed when the contents of all of them were read, which for
 * small files is after it returns.
 */
export type ReadSource = (session: ImportSession, resources: AsyncDisposableStack) => Promise<SourceTree>

/** As much as a version's statement holds; it is read with every version. */
const maxConfigLength = 65536

/** What every import is around the reading of its source. Leaves nothing behind where that throws. */
export async function importVersion(
  repository: Repository,
  source: Pick<VersionSource, 'kind' | 'name'>,
  options: VersionDescription & ImportOptions,
  read: ReadSource,
): Promise<Version> {
  checkName('image', options.image)
  await using session = await ImportSession.begin(repository)
  await using resources = new AsyncDisposableStack()
  try {
    const { builder, config } = await read(session, resources)
    for (const done of await cleanUp(builder.root, options.cleanUp ?? [])) options.onNotice?.(cleanUpNotice(done))
    const tree = await layOutTree(builder.root, session.chunks)
    await resources.disposeAsync() // a container that waits for its end is let go now
    options.signal?.throwIfAborted()
    return await publishVersion(session, tree, { ...options, source: { ...source, ...keptConfig(config, options) } })
  } catch (error) {
    if (!(error instanceof FileShrank)) throw error
    throw new ImageSourceInvalid(source.name, undefined, `${error.message}; stop what writes to it`, { cause: error })
  }
}

function cleanUpNotice({ operation, removed, changed }: CleanedUp): ImportNotice {
  const paths = [...removed, ...changed].map((path) => `/${path}`)
  const first = paths.slice(0, 3).join(', ')
  const others = paths.length > 3 ? ` and ${paths.length - 3} more` : ''
  return { where: `clean-up ${operation}`, reason: `${first}${others}` }
}

/** Left out, with a word, where it is too long. */
function keptConfig(config: string | undefined, { onNotice }: ImportOptions): Pick<VersionSource, 'config'> {
  if (config === undefined) return {}
  if (config.length <= maxConfigLength) return { config }
  const reason = `it has ${config.length} characters, more than ${maxConfigLength}: not kept with the version`
  onNotice?.({ where: 'the configuration', reason })
  return {}
}
