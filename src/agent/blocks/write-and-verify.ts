import { verifyShares } from '../../core/order.ts'
import type { DeployContext } from '../deploy-context.ts'
import { discardDevice } from '../disk/partition-disk.ts'
import { orderedVersion } from '../ordered-version.ts'
import { runStep } from '../step-run.ts'
import type { ImageCounts } from '../write-image.ts'
import { verifyBlocks } from './verify-blocks.ts'
import { writeBlocks } from './write-blocks.ts'

const bitsPerByte = 8
const bitsPerMegabit = 1e6

/** The steps write and verify of a block rendition. */
export async function writeAndVerifyBlocks(
  context: DeployContext,
  device: string,
  rendition: string,
): Promise<ImageCounts> {
  const { order, reporter, signal } = context
  const written = await runStep(reporter, 'write', async (onBytes) => {
    const value = await writeBlocks({
      ...orderedVersion(context),
      rendition,
      device,
      discard: (fresh) => discardDevice(fresh, signal),
      linkBytesPerSecond: linkSpeed(context),
      onProgress: ({ bytesDone, bytesTotal }) => onBytes(bytesDone, bytesTotal),
    })
    const deed = value.way.way === 'compare' ? 'compared first' : 'written without comparing'
    const { bytesWritten } = value
    return { value, bytesDone: bytesWritten, bytesTotal: bytesWritten, detail: `${deed}: ${value.way.because}` }
  })
  const { blocks, bytesFetched, bytesWritten, bytesReused } = written
  await runStep(reporter, 'verify', async (onBytes) => {
    const onProgress = ({ bytesDone, bytesTotal }: { bytesDone: number; bytesTotal: number }) =>
      onBytes(bytesDone, bytesTotal)
    const { bytesRead } = await verifyBlocks({ device, blocks, share: verifyShares[order.verify], signal, onProgress })
    return { value: undefined, bytesDone: bytesRead, bytesTotal: bytesRead }
  })
  return { bytesFetched, bytesWritten, bytesReused }
}

/** Of the interface the machine was booted from. Virtual ones often know none. */
function linkSpeed({ inventory }: DeployContext): number | undefined {
  const speedMbps = inventory.interfaces.find(({ bootedFrom }) => bootedFrom)?.speedMbps
  return speedMbps === undefined || speedMbps <= 0 ? undefined : (speedMbps * bitsPerMegabit) / bitsPerByte
}
