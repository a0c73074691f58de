import { randomUUID } from 'node:crypto'
import type { DiskPlan, PlannedPartition } from '../core/disk-plan.ts'
import type { Disk } from '../core/inventory.ts'
import { type DiskPlanning, planDisk } from '../core/plan-disk.ts'
import { goingOnLayout } from '../core/retry.ts'
import type { DeployContext } from './deploy-context.ts'
import { checkFilesystem } from './disk/check-filesystem.ts'
import type { LocatePartitions } from './disk/partition-disk.ts'

export type AttemptPlan = {
  planning: DiskPlanning /** What becomes of what the attempt before left. */
  detail?: string
}

/**
 * What this attempt does to the disk. Where the order goes on, what the attempt before made is kept, if all of it is there and
 * its filesystem is found to be sound; whatever speaks against it, the disk is made anew as the layout says.
 */
export async function planAttempt(context: DeployContext, disk: Disk, locate: LocatePartitions): Promise<AttemptPlan> {
  const { order, inventory } = context
  const { firmware, architecture } = inventory
  const plan = (layout: typeof order.layout) => planDisk({ layout, disk, firmware, architecture }, randomUUID)
  if (order.goesOn !== true) return { planning: plan(order.layout) }
  const kept = plan(goingOnLayout(order.layout))
  const why = kept.kind === 'refused' ? kept.reason : await whyNotKept(context, disk, kept.plan, locate)
  if (why !== undefined) return { planning: plan(order.layout), detail: `begins anew: ${why}` }
  return { planning: kept, detail: 'goes on with the root filesystem of the attempt before' }
}

/** Undefined where the root can be kept. */
async function whyNotKept(
  { order, signal }: DeployContext,
  disk: Disk,
  plan: DiskPlan,
  locate: LocatePartitions,
): Promise<string | undefined> {
  const root = plan.partitions.find(({ role }) => role === 'root')!
  if (root.signature?.uuid === undefined || root.signature.type !== order.filesystem) return otherFilesystem(root)
  try {
    const devices = await locate(disk, plan, signal)
    await checkFilesystem(devices.get(root.number)!, order.filesystem, signal)
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    return (error as Error).message
  }
}

function otherFilesystem({ number, signature }: PlannedPartition): string {
  return `partition ${number} has ${signature?.type ?? 'no filesystem'}, which is not the root that was made`
}
