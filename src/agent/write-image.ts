import { verifyShares } from '../core/order.ts'
import { writeVolume } from './blocks/write-volume.ts'
import type { DeployContext } from './deploy-context.ts'
import type { RootFilesystem } from './disk/filesystems.ts'
import type { Mounts } from './disk/mounts.ts'
import { runStep } from './step-run.ts'
import { verifyTree } from './verify-tree.ts'
import { writeTree } from './write-tree.ts'

export type ImageCounts = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/** What the order says is written, on a prepared root; at the end it is mounted at the context's rootDirectory. */
export async function writeImage(context: DeployContext, root: RootFilesystem, mounts: Mounts): Promise<ImageCounts> {
  if (context.order.rendition === 'volume') return writeVolume(context, root, mounts)
  return writeMountedTree(context, root)
}

/**
 * The steps write and verify: the version's tree on the mounted root filesystem, read back and compared. What a kept
 * filesystem has already is re-used.
 */
async function writeMountedTree(context: DeployContext, root: RootFilesystem): Promise<ImageCounts> {
  const { order, reporter, signal, rootDirectory } = context
  const tree = {
    baseUrl: context.session.client.baseUrl,
    image: order.image,
    version: order.version,
    imagePublicKey: context.imagePublicKey,
    targetDirectory: rootDirectory,
    signal,
  }
  const counts = await runStep(reporter, 'write', async (onBytes) => {
    const { keptPaths } = root
    const value = await writeTree({
      ...tree,
      ...(root.content === 'kept' && { reuse: { keptPaths, previousVersion: order.previousVersion } }),
      onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal),
    })
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
