import type { DeployContext } from './deploy-context.ts'
import { runStep } from './step-run.ts'
import { verifyTree } from './verify-tree.ts'
import { writeTree } from './write-tree.ts'

export type ImageCounts = { bytesFetched: number; bytesWritten: number; bytesReused: number }

/** The steps write and verify: the version's tree on the mounted root filesystem, read back and compared. */
export async function writeImage(context: DeployContext): Promise<ImageCounts> {
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
    const value = await writeTree({
      ...tree,
      onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal),
    })
    return { value, bytesDone: value.bytesWritten, bytesTotal: value.bytesWritten }
  })
  await runStep(reporter, 'verify', async (onBytes) => {
    await verifyTree({ ...tree, onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal) })
    return { value: undefined, bytesDone: counts.bytesWritten, bytesTotal: counts.bytesWritten }
  })
  return counts
}
