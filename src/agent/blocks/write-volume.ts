import type { DeployContext } from '../deploy-context.ts'
import type { RootFilesystem } from '../disk/filesystems.ts'
import { writingMountOptions } from '../disk/make-filesystems.ts'
import type { Mounts } from '../disk/mounts.ts'
import { runStep } from '../step-run.ts'
import type { ImageCounts } from '../write-image.ts'
import { growAndMount, renewUuid } from './settle-volume.ts'
import { writeAndVerifyBlocks } from './write-and-verify.ts'

/**
 * The steps write, verify and grow of the rendition volume: the version's filesystem, block by block, on the root
 * partition; then its own UUID, the size of the partition, and mounted at the context's rootDirectory.
 */
export async function writeVolume(context: DeployContext, root: RootFilesystem, mounts: Mounts): Promise<ImageCounts> {
  const { reporter, signal, rootDirectory } = context
  const { device, type, uuid } = root
  const counts = await writeAndVerifyBlocks(context, device, `volume-${type}`)
  await runStep(reporter, 'grow', async () => {
    await renewUuid(device, type, uuid, signal)
    const open = () => mounts.mount(device, rootDirectory, ['-t', type, '-o', writingMountOptions], signal)
    await growAndMount(device, type, { directory: rootDirectory, open }, signal)
    return { value: undefined, detail: `${type} ${uuid} fills ${device}` }
  })
  return counts
}
