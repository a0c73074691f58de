import { type Deployment, hasBegun, type Retry } from './deployment.ts'
import { contentOf, type Layout, type LayoutPartition, partitionName, rootOf } from './layout.ts'

/** Whether the deployment counts on partitions or versions that the disk had before it. */
export function needsWhatWas({ kind, layout }: Deployment): boolean {
  const isFound = ({ find, ...partition }: LayoutPartition) => find !== undefined || contentOf(partition) !== 'made'
  return kind === 'rollback' || layout.partitions.some(isFound)
}

/**
 * How a deployment that ended without its disk being complete is repeated; `isWiped`: the disk was wiped since. A root that
 * files are written into is kept when the agent itself said that it failed: then the filesystem was unmounted. One that was
 * being filled when the machine lost its power, or was not heard of any more, is made again (docs/redeploy.md).
 */
export function planRetry(failed: Deployment, isWiped = false): Retry {
  const { id, retry, steps } = failed
  if (isWiped || !canKeepRoot(failed)) return { of: id, goesOn: false }
  // The attempt did nothing to the disk: what the one before it left is there.
  if (!hasBegun(failed, 'partition')) return { of: id, goesOn: retry?.goesOn ?? false }
  const isUnmounted = steps.some(({ state, reported }) => state === 'failed' && reported)
  return { of: id, goesOn: isUnmounted && hasBegun(failed, 'write') }
}

/** The machine's next agent may find what this boot's has begun, and then it begins anew. */
export function goesOn(deployment: Pick<Deployment, 'retry' | 'boots'>): boolean {
  return deployment.retry?.goesOn === true && !hasBegun(deployment, 'partition')
}

/**
 * Files go into a filesystem that this deployment makes on a disk, or in a partition, that is all its own. (What was made in free
 * space cannot be told from another's by its name.)
 */
function canKeepRoot({ kind, rendition, layout }: Deployment): boolean {
  const root = rootOf(layout)
  const isOwn = layout.table === 'new' || root.find !== undefined
  return (
    kind === 'deploy' && rendition === 'tree' && contentOf(root) === 'made' && root.subvolumes === undefined && isOwn
  )
}

/** The layout on a disk that has it already: the root stays with its files, what else was made is made again in its place. */
export function goingOnLayout({ name, partitions }: Layout): Layout {
  return { name, table: 'kept', partitions: partitions.map(found) }
}

function found(partition: LayoutPartition): LayoutPartition {
  if (contentOf(partition) !== 'made') return partition
  const { size: _, ...rest } = partition
  const find = partition.find ?? { partitionLabel: partitionName(partition) }
  if (partition.role !== 'root') return { ...rest, find, content: 'made' }
  const { filesystem: _filesystem, label: _label, ...root } = rest
  return { ...root, find, content: 'kept' }
}

/** What is done about the disk, for who orders it: `failed` is what is repeated. */
export function describeRetry(failed: Deployment, { goesOn }: Retry, isWiped = false): string {
  if (isWiped) return 'its disk was wiped since: begins anew'
  const { kind, rendition, layout } = failed
  if (kind === 'rollback') return 'the version is looked for on the disk'
  if (contentOf(rootOf(layout)) !== 'made') return 'what is on the disk is compared, and what is equal stays'
  if (goesOn)
    return 'goes on with the root filesystem that was made: files that are equal stay and are not fetched again'
  if (!hasBegun(failed, 'partition')) return 'it had not begun on the disk: begins at the beginning'
  if (!hasBegun(failed, 'make-filesystems')) return 'the disk was not partitioned to the end: begins anew'
  if (rendition === 'volume' || rendition === 'disk') {
    return 'the disk is partitioned again; blocks that are equal stay and are not fetched again'
  }
  return 'nothing proves that the filesystem is sound: begins anew'
}
