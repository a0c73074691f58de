import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { DiskPlan, PlannedPartition } from '../../core/disk-plan.ts'
import type { Disk } from '../../core/inventory.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { readNumber } from '../inventory/attribute.ts'
import { renderSfdiskScript } from './sfdisk-script.ts'

/** Device of every partition of a plan by its number: `/dev/nvme0n1p3`. */
export type PartitionDevices = ReadonlyMap<number, string>

/** Partitions that stand in a table: a plan's, or those of a disk that was written whole. */
export type PartitionPlaces = {
  partitions: readonly Pick<PlannedPartition, 'number' | 'startBytes' | 'sizeBytes'>[]
}

/** Finds the devices of partitions once they are in the table. */
export type LocatePartitions = (disk: Disk, places: PartitionPlaces, signal: AbortSignal) => Promise<PartitionDevices>

/** The kernel does not show the partitions that were just written. */
export class PartitionsNotSeen extends Error {
  override readonly name = 'PartitionsNotSeen'
}

const sysfsSectorBytes = 512
const discardTimeoutMs = 60_000
const sfdiskTimeoutMs = 60_000
const settleTimeoutMs = 20_000
const sfdiskAttempts = 3

/**
 * Tells the disk that nothing on the device matters any more, so that an SSD starts empty. Some arrays stall on it and
 * many disks cannot: it has a deadline, its outcome is only told, and zeros are never counted on.
 */
export async function discardDevice(device: string, signal: AbortSignal): Promise<'discarded' | 'not discarded'> {
  try {
    // In steps, so that a kill at the deadline takes effect between two of them.
    await runProgram('blkdiscard', ['--force', '--step', '1GiB', device], { timeoutMs: discardTimeoutMs, signal })
    return 'discarded'
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ProgramFailed) return 'not discarded'
    throw error
  }
}

/**
 * Writes a new table, or adds the new partitions to the one that is there, in which every other entry stays as it is.
 * Old signatures in new partitions are wiped. Writes nothing where the plan has no new partition.
 */
export async function writeTable(disk: Disk, plan: DiskPlan, signal: AbortSignal): Promise<void> {
  if (!plan.partitions.some(({ entry }) => entry === 'new')) return
  const way = plan.table === 'new' ? ['--wipe', 'always'] : ['--append', '--wipe', 'never']
  const args = ['--quiet', ...way, '--wipe-partitions', 'always', disk.device]
  const input = renderSfdiskScript(plan)
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram('sfdisk', args, { input, timeoutMs: sfdiskTimeoutMs, signal })
      return
    } catch (error) {
      // It asks the kernel to read the table again, which a probe that holds the disk for a moment can refuse (EBUSY).
      if (attempt === sfdiskAttempts || !(error instanceof ProgramFailed) || !/busy/i.test(error.stderr)) throw error
      await wait(500 * attempt, undefined, { signal })
    }
  }
}

/** Waits until the kernel shows the partitions of the plan, each at its place. Throws PartitionsNotSeen. */
export const kernelPartitions: LocatePartitions = async (disk, plan, signal) => {
  const name = basename(disk.device)
  const deadline = performance.now() + settleTimeoutMs
  for (;;) {
    const seen = seenPartitions('/sys', name, plan)
    if (seen !== undefined && [...seen.values()].every((device) => existsSync(device))) return seen
    if (performance.now() > deadline) throw new PartitionsNotSeen(notSeen(disk, name))
    await wait(50, undefined, { signal })
  }
}

/** The partitions of disk `name` under `sysRoot`; undefined until all of the plan are there at their place and size. */
export function seenPartitions(sysRoot: string, name: string, plan: PartitionPlaces): PartitionDevices | undefined {
  const directory = join(sysRoot, 'block', name)
  const devices = new Map<number, string>()
  for (const entry of readdirSync(directory)) {
    const number = readNumber(join(directory, entry, 'partition'))
    const planned = plan.partitions.find((partition) => partition.number === number)
    if (planned && isAsPlanned(join(directory, entry), planned)) devices.set(planned.number, `/dev/${entry}`)
  }
  return devices.size === plan.partitions.length ? devices : undefined
}

function isAsPlanned(directory: string, planned: PartitionPlaces['partitions'][number]): boolean {
  return (
    (readNumber(join(directory, 'start')) ?? 0) * sysfsSectorBytes === planned.startBytes &&
    (readNumber(join(directory, 'size')) ?? 0) * sysfsSectorBytes === planned.sizeBytes
  )
}

function notSeen(disk: Disk, name: string): string {
  const shown = readdirSync(join('/sys/block', name)).filter((entry) => entry.startsWith(name))
  return (
    `${disk.device} has the partitions in its table, but after ${settleTimeoutMs / 1000} s the kernel shows ` +
    `${shown.length === 0 ? 'none' : shown.join(', ')}; is something holding the disk (RAID, LVM, multipath)?`
  )
}
