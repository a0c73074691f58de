import { chunkBytes, type Tree, type TreeEntry } from '../tree.ts'
import { type BlockMap, blockBytes, measureMap } from './block-map.ts'
import type { VolumeContent, VolumeDriver } from './volume-driver.ts'

/** Room that a filesystem keeps for itself beside what it says is used. */
const reservedShare = 0.06

/** Of all entries, in whole blocks. */
export function contentOf(tree: Tree): VolumeContent {
  return {
    entries: tree.entries.length,
    contentBytes: tree.entries.reduce((sum, entry) => sum + blocksOfEntry(entry), 0),
  }
}

/**
 * The size of the volume that a version is laid onto: the parent's where there is room for what is new beside what is
 * there, because old blocks are freed last; else as for a new one, and not below what is needed at once.
 */
export function growthFor(parent: BlockMap, have: Tree, want: Tree, driver: VolumeDriver): number {
  const known = new Map(have.entries.map((entry) => [entry.path, entry]))
  const addedBytes = want.entries
    .filter((entry) => !isSame(known.get(entry.path), entry))
    .reduce((sum, entry) => sum + blocksOfEntry(entry), 0)
  const neededBytes = (measureMap(parent).usedBytes + addedBytes * 1.1) * (1 + reservedShare) + 32 * 2 ** 20
  if (neededBytes <= parent.sizeBytes) return parent.sizeBytes
  return Math.max(driver.sizeFor(contentOf(want)), Math.ceil((neededBytes * 1.1) / 2 ** 20) * 2 ** 20)
}

/** As far as can be told without reading: a file that only looks changed costs some room. */
function isSame(have: TreeEntry | undefined, want: TreeEntry): boolean {
  if (have?.type !== 'file' || want.type !== 'file') return have?.type === want.type
  return have.sizeBytes === want.sizeBytes && have.mtimeSeconds === want.mtimeSeconds
}

function blocksOfEntry(entry: TreeEntry): number {
  if (entry.type === 'link') return 0
  if (entry.type !== 'file') return blockBytes
  const holeBytes = entry.holes.reduce((sum, [, count]) => sum + count * chunkBytes, 0)
  return Math.max(0, Math.ceil((entry.sizeBytes - holeBytes) / blockBytes) * blockBytes)
}
