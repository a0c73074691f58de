import { mkdirSync } from 'node:fs'
import { describeDisk } from '../../core/disk-rule.ts'
import type { Disk } from '../../core/inventory.ts'
import { writeAndVerifyBlocks } from '../blocks/write-and-verify.ts'
import { bootOrderOf } from '../boot-loader/boot-order.ts'
import type { DeployContext } from '../deploy-context.ts'
import type { Mounts } from '../disk/mounts.ts'
import { kernelPartitions, type LocatePartitions } from '../disk/partition-disk.ts'
import { beforePartition } from '../hooks/before-partition.ts'
import { readDiskContent } from '../inventory/read-partition-table.ts'
import { selectDisk } from '../prepare-disk.ts'
import { runStep } from '../step-run.ts'
import type { WrittenDisk } from '../written-machine.ts'
import { fitDisk } from './fit-disk.ts'
import { writeForeignIdentity } from './foreign-identity.ts'
import { startByOwnLoader } from './start-by-own-loader.ts'

/**
 * The rendition disk: a foreign whole disk, written block by block, fitted to the disk that it is on now, and made this
 * machine's own as far as it can be opened. It starts by the loader it brought. `locate` finds the devices of partitions.
 */
export async function deployForeignDisk(
  context: DeployContext,
  mounts: Mounts,
  locate: LocatePartitions = kernelPartitions,
): Promise<WrittenDisk> {
  const { reporter, signal, rootDirectory } = context
  mkdirSync(rootDirectory, { recursive: true })
  const selected = await runStep(reporter, 'select-disk', async () => {
    const value = await selectDisk(context)
    return { value, detail: `chose ${describeDisk(value)}; all of it is overwritten` }
  })
  const looking = { disk: selected, lookAgain: () => selectDisk(context) }
  const disk = await beforePartition(context, selected, looking)
  const counts = await writeAndVerifyBlocks(context, disk.device, 'disk')
  const written: Disk = { ...disk, ...(await readDiskContent(disk.device, disk.sizeBytes, signal)) }
  const fitted = await runStep(reporter, 'grow', () => fitDisk(written, { context, mounts, locate }))
  const sshHostKeys = await runStep(reporter, 'identity', () => writeForeignIdentity(context, fitted.root))
  const entry = await runStep(reporter, 'boot-loader', () => startByOwnLoader(disk.device, fitted, context, mounts))
  return { device: disk.device, report: { ...counts, sshHostKeys, ...bootOrderOf(entry) } }
}
