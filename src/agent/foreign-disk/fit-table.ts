import type { Disk } from '../../core/inventory.ts'
import type { ExistingPartition, PartitionTable } from '../../core/partition-table.ts'
import { runProgram } from '../../programs/run-program.ts'

const sfdiskTimeoutMs = 60_000
/** Less than this at the end of a disk is not worth a change of its table. */
const leastGrowthBytes = 2 ** 20
/** What this agent can grow, by blkid's names. */
const growable = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs'])
/** In a DOS table the others are logical partitions inside of an extended one. */
const primaryPartitions = 4

/** The partition that is grown, because it is the last of its disk, has room behind it, and holds what can grow. */
export function chooseGrown(table: PartitionTable, disk: Pick<Disk, 'sizeBytes'>): ExistingPartition | undefined {
  const last = table.partitions.toSorted((a, b) => a.startBytes - b.startBytes).at(-1)
  if (last === undefined || !growable.has(last.signature?.type ?? '')) return undefined
  if (table.kind === 'dos' && last.number > primaryPartitions) return undefined
  const roomBytes = disk.sizeBytes - (last.startBytes + last.sizeBytes)
  return roomBytes >= leastGrowthBytes ? last : undefined
}

/**
 * Makes a foreign disk's partition table fit the disk that it was written to: the second GPT goes to the end of the disk, and
 * the partition, where one is given, grows up to it. Throws ProgramFailed.
 */
export async function fitTable(
  device: string,
  table: PartitionTable,
  grown: ExistingPartition | undefined,
  signal: AbortSignal,
): Promise<void> {
  const options = { timeoutMs: sfdiskTimeoutMs, signal }
  if (table.kind === 'gpt') await runProgram('sfdisk', ['--quiet', '--relocate', 'gpt-bak-std', device], options)
  else if (grown === undefined) {
    await runProgram('blockdev', ['--rereadpt', device], options) // sfdisk does it when it has written
  }
  if (grown === undefined) return
  // Start as it is, size up to the end (sfdisk(8), --partno).
  const args = ['--quiet', '--partno', String(grown.number), device]
  await runProgram('sfdisk', args, { ...options, input: ', +\n' })
}
