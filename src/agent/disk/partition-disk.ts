import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Disk } from '../../core/inventory.ts'
import { ProgramFailed, runProgram } from '../../programs/run-program.ts'
import { readNumber } from '../inventory/attribute.ts'
import { type LayoutPlan, type PartitionRole, type PlannedPartition, renderSfdiskScript } from './plan-layout.ts'

/** Device of every partition: `/dev/nvme0n1p3`. */
export type PartitionDevices = Record<PartitionRole, string>

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
 * Tells the disk that nothing on it matters any more, so that an SSD starts empty. Some arrays stall on it and many
 * disks cannot: it has a deadline, its outcome is only told, and zeros are never counted on.
 */
export async function discardDisk(device: string, signal: AbortSignal): Promise<'discarded' | 'not discarded'> {
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

/** Writes the table, wipes old signatures from disk and partitions, and waits until the kernel shows exactly the plan. */
export async function partitionDisk(disk: Disk, plan: LayoutPlan, signal: AbortSignal): Promise<PartitionDevices> {
  await writeTable(disk.device, renderSfdiskScript(plan), signal)
  const name = basename(disk.device)
  const deadline = performance.now() + settleTimeoutMs
  for (;;) {
    const seen = seenPartitions('/sys', name, plan)
    if (seen !== undefined && Object.values(seen).every((device) => existsSync(device))) return seen
    if (performance.now() > deadline) throw new PartitionsNotSeen(notSeen(disk, name))
    await wait(50, undefined, { signal })
  }
}

/** sfdisk asks the kernel to read the table again, which a probe that holds the disk for a moment can refuse (EBUSY). */
async function writeTable(device: string, script: string, signal: AbortSignal): Promise<void> {
  const args = ['--quiet', '--wipe', 'always', '--wipe-partitions', 'always', device]
  for (let attempt = 1; ; attempt++) {
    try {
      await runProgram('sfdisk', args, { input: script, timeoutMs: sfdiskTimeoutMs, signal })
      return
    } catch (error) {
      if (attempt === sfdiskAttempts || !(error instanceof ProgramFailed)) throw error
      await wait(500 * attempt, undefined, { signal })
    }
  }
}

/** The partitions of disk `name` under `sysRoot`; undefined until all of the plan are there at their place and size. */
export function seenPartitions(sysRoot: string, name: string, plan: LayoutPlan): PartitionDevices | undefined {
  const directory = join(sysRoot, 'block', name)
  const devices: Partial<PartitionDevices> = {}
  for (const entry of readdirSync(directory)) {
    const number = readNumber(join(directory, entry, 'partition'))
    const planned = plan.partitions.find((partition) => partition.number === number)
    if (planned !== undefined && isAsPlanned(join(directory, entry), planned)) devices[planned.role] = `/dev/${entry}`
  }
  const complete = plan.partitions.every((partition) => devices[partition.role] !== undefined)
  return complete ? (devices as PartitionDevices) : undefined
}

function isAsPlanned(directory: string, planned: PlannedPartition): boolean {
  return (
    (readNumber(join(directory, 'start')) ?? 0) * sysfsSectorBytes === planned.startBytes &&
    (readNumber(join(directory, 'size')) ?? 0) * sysfsSectorBytes === planned.sizeBytes
  )
}

function notSeen(disk: Disk, name: string): string {
  const shown = readdirSync(join('/sys/block', name)).filter((entry) => entry.startsWith(name))
  return (
    `The partition table was written to ${disk.device}, but after ${settleTimeoutMs / 1000} s the kernel shows ` +
    `${shown.length === 0 ? 'no partitions' : shown.join(', ')}; is something holding the disk (RAID, LVM, multipath)?`
  )
}
