import type { Disk } from '../../core/inventory.ts'
import type { ExistingPartition, PartitionTable } from '../../core/partition-table.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { growAndMount } from '../blocks/settle-volume.ts'
import type { DeployContext } from '../deploy-context.ts'
import { writingMountOptions } from '../disk/make-filesystems.ts'
import type { Mounts } from '../disk/mounts.ts'
import type { LocatePartitions, PartitionDevices } from '../disk/partition-disk.ts'
import { readDiskContent } from '../inventory/read-partition-table.ts'
import type { StepResult } from '../step-run.ts'
import { driverOf, isLinuxRoot } from './find-root.ts'
import { chooseGrown, fitTable } from './fit-table.ts'

/** What of a foreign disk can be worked with; `root` is the partition that is mounted at the context's rootDirectory. */
export type FittedDisk = { table?: PartitionTable; devices: PartitionDevices; root?: ExistingPartition }

export type FitParts = { context: DeployContext; mounts: Mounts; locate: LocatePartitions }

const checkTimeoutMs = 600_000

/** The step grow of a foreign disk: table and last partition fit the disk, and its Linux root is mounted if it has one. */
export async function fitDisk(disk: Disk, parts: FitParts): Promise<StepResult<FittedDisk>> {
  const { context, locate } = parts
  const { signal } = context
  if (disk.table === undefined) return { value: { devices: new Map() }, detail: 'the disk has no partition table' }
  const grown = chooseGrown(disk.table, disk)
  await fitTable(disk.device, disk.table, grown, signal)
  const { table = disk.table } = await readDiskContent(disk.device, disk.sizeBytes, signal)
  const devices = await locate(disk, table, signal)
  const root = await openPartitions(table, devices, grown?.number, parts)
  const told = [
    table.kind === 'gpt' ? 'second GPT moved to the end' : `${table.kind} partition table`,
    grown === undefined ? 'no partition grown' : `partition ${grown.number} grown to the end`,
    root === undefined
      ? 'no root of a Linux system found'
      : `root in partition ${root.number} (${root.signature?.type})`,
  ]
  return { value: { table, devices, ...(root && { root }) }, detail: told.join('; ') }
}

/** Grows the filesystem of the grown partition, and leaves the first that is a Linux root mounted. */
async function openPartitions(
  table: PartitionTable,
  devices: PartitionDevices,
  grown: number | undefined,
  { context, mounts }: FitParts,
): Promise<ExistingPartition | undefined> {
  const { signal, rootDirectory: directory } = context
  let root: ExistingPartition | undefined
  // The grown one first, because it is the root nearly always.
  for (const partition of table.partitions.toSorted(
    (a, b) => Number(b.number === grown) - Number(a.number === grown),
  )) {
    const type = driverOf(partition)
    const device = devices.get(partition.number)
    if (type === undefined || device === undefined || root !== undefined) continue
    const open = () => mounts.mount(device, directory, ['-t', type, '-o', writingMountOptions], signal)
    if (partition.number !== grown) await open()
    else {
      if (type === 'ext4') await checkExt(device, signal)
      await growAndMount(device, type, { directory, open }, signal)
    }
    if (isLinuxRoot(directory)) root = partition
    else await mounts.unmountAll()
  }
  return root
}

/** resize2fs takes only what was checked. Code 1: what was wrong is corrected (e2fsck(8)). */
async function checkExt(device: string, signal: AbortSignal): Promise<void> {
  try {
    await runProgram('e2fsck', ['-f', '-p', device], { timeoutMs: checkTimeoutMs, signal })
  } catch (error) {
    if (!(error instanceof ProgramFailed && /ended with code 1\b/.test(error.message))) throw error
  }
}
