import { verifyShares } from '../core/order.ts'
import type { BegunTree } from './begun-tree.ts'
import { writeVolume } from './blocks/write-volume.ts'
import type { DeployContext } from './deploy-context.ts'
import type { RootFilesystem } from './disk/filesystems.ts'
import type { Mounts } from './disk/mounts.ts'
import { orderedVersion } from './ordered-version.ts'
import { runStep } from './step-run.ts'
import { verifyTree } from './verify-tree.ts'
import { type TreeProgress, writeTree } from './write-tree.ts'

export type ImageCounts = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/**
 * What the order says is written, on a prepared root; at the end it is mounted at the context's rootDirectory. `begun` is
 * the ordered tree, where that was begun before.
 */
export async function writeImage(
  context: DeployContext,
  root: RootFilesystem,
  mounts: Mounts,
  begun?: BegunTree,
): Promise<ImageCounts> {
  if (context.order.rendition === 'volume') return writeVolume(context, root, mounts)
  return writeMountedTree(context, root, begun)
}

/**
 * The steps write and verify: the version's tree on the mounted root filesystem, read back and compared. What a kept
 * filesystem has already is re-used.
 */
async function writeMountedTree(
  context: DeployContext,
  root: RootFilesystem,
  begun: BegunTree | undefined,
): Promise<ImageCounts> {
  const { order, reporter, rootDirectory } = context
  const tree = { ...orderedVersion(context), targetDirectory: rootDirectory }
  const counts = await runStep(reporter, 'write', async (onBytes) => {
    const { keptPaths } = root
    const reuse = root.content === 'kept' ? { keptPaths, previousVersion: order.previousVersion } : undefined
    const onProgress = ({ bytesDone, bytesTotal }: TreeProgress) => onBytes(bytesDone, bytesTotal)
    const value = await writeTree({ ...tree, reuse, onProgress }, begun)
    const detail = root.content === 'kept' ? describeReuse(value) : undefined
    return { value, bytesDone: value.bytesWritten, bytesTotal: value.bytesWritten, ...(detail && { detail }) }
  })
  await runStep(reporter, 'verify', async (onBytes) => {
    const { keptPaths } = root
    const { bytesRead } = await verifyTree({
      ...tree,
      keptPaths,
      share: verifyShares[order.verify],
      onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal),
    })
    return { value: undefined, bytesDone: bytesRead, bytesTotal: bytesRead }
  })
  return counts
}

function describeReuse({ bytesReused, bytesFetched }: ImageCounts): string {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
  return `${megabytes(bytesReused)} were there already, ${megabytes(bytesFetched)} fetched`
}
