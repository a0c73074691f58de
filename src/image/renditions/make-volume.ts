import { rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { readTree } from '../repository.ts'
import type { Tree } from '../tree.ts'
import type { BlockMap } from './block-map.ts'
import { BlockUse } from './block-use.ts'
import { cutVolume } from './cut-volume.ts'
import { requireRoot } from './needs-root.ts'
import { RenditionImpossible } from './rendition-impossible.ts'
import type { VolumeFilesystem } from './rendition-name.ts'
import { ancestorsOf, type RenditionWork } from './rendition-options.ts'
import { readRendition, type StoredRendition } from './stored-rendition.ts'
import type { VolumeDriver } from './volume-driver.ts'
import { volumeDrivers } from './volume-drivers.ts'
import { writeVolumeFile } from './volume-file.ts'

/** A volume whose files lie in pieces, or whose rows are so empty, is made from scratch: the next ones start from that. */
const maxFragmentedShare = 0.15
const fewFragments = 200
const minDensity = 0.5

/** The version as one filesystem's blocks, laid onto those of an earlier version where there is one. */
export async function makeVolume(
  work: RenditionWork,
  filesystem: VolumeFilesystem,
): Promise<{ blocks: BlockMap; parent?: string | undefined }> {
  requireRoot(work.versionId, work.rendition)
  const tree = await readTree(work.repository, work.versionId)
  const driver = volumeDrivers[filesystem]
  refuseTimes(work, tree, driver)
  const file = path.join(work.session.directory, 'volume')
  try {
    const parent = await findParent(work)
    if (parent) {
      const laid = await writeVolume(work, driver, tree, parent, file)
      if (!isWorn(laid)) {
        return { blocks: await cutVolume(work, file, laid.sizeBytes, laid.use), parent: parent.statement.version }
      }
      await rm(file)
    }
    const { sizeBytes, use } = await writeVolume(work, driver, tree, undefined, file)
    return { blocks: await cutVolume(work, file, sizeBytes, use) }
  } catch (error) {
    throw explained(work, error)
  } finally {
    await rm(file, { force: true })
  }
}

async function findParent(work: RenditionWork): Promise<StoredRendition | undefined> {
  const { repository, rendition, versionId, options } = work
  if (options.parent === null || options.parent === versionId) return undefined
  const candidates = options.parent === undefined ? await ancestorsOf(repository, versionId) : [options.parent]
  for (const candidate of candidates) {
    const found = await readRendition(repository, candidate, rendition)
    if (found) return found
  }
  return undefined
}

async function writeVolume(
  work: RenditionWork,
  driver: VolumeDriver,
  tree: Tree,
  parent: StoredRendition | undefined,
  file: string,
) {
  await writeVolumeFile(work, driver, tree, parent, file)
  const { files, fragmented } = await driver.check(file)
  const { size: sizeBytes } = await stat(file)
  const use = new BlockUse(sizeBytes)
  await driver.markUse(file, use)
  return { sizeBytes, use, files, fragmented }
}

function isWorn({ use, files, fragmented }: { use: BlockUse; files: number; fragmented: number }): boolean {
  return use.density() < minDensity || (fragmented > fewFragments && fragmented > files * maxFragmentedShare)
}

function refuseTimes({ versionId, rendition }: RenditionWork, tree: Tree, { mtimeRange: [first, last] }: VolumeDriver) {
  for (const entry of tree.entries) {
    if (entry.type === 'link' || (entry.mtimeSeconds >= first && entry.mtimeSeconds <= last)) continue
    const reason = `the time of ${JSON.stringify(entry.path)}, ${entry.mtimeSeconds} s since 1970, is none it can keep`
    throw new RenditionImpossible(versionId, rendition, reason)
  }
}

/** What a filesystem cannot hold shows as an error of a call that names the file. */
function explained({ versionId, rendition }: RenditionWork, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  const reasons: Record<string, string> = {
    ENAMETOOLONG: 'this filesystem keeps no name or link target so long',
    ENOSPC: 'there is no room, in the volume or on the disk of the store',
    EOPNOTSUPP: 'this filesystem keeps no such attribute',
    E2BIG: 'this filesystem keeps no attributes so large',
    EINVAL: 'this filesystem does not take it',
  }
  const reason = code === undefined ? undefined : reasons[code]
  return reason === undefined
    ? error
    : new RenditionImpossible(versionId, rendition, `${reason} (${message})`, { cause: error })
}
