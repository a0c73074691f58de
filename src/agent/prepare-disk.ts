import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { chooseDisk, describeDisk } from '../core/disk-rule.ts'
import type { Disk } from '../core/inventory.ts'
import type { DeployContext } from './deploy-context.ts'
import { type Filesystems, makeFilesystems, writingMountOptions } from './disk/make-filesystems.ts'
import type { Mounts } from './disk/mounts.ts'
import { discardDisk, type PartitionDevices, partitionDisk } from './disk/partition-disk.ts'
import { type LayoutPlan, planWholeDisk } from './disk/plan-layout.ts'
import { runStep } from './step-run.ts'

/** No disk satisfies the order's rule, or several do. */
export class DiskRefused extends Error {
  override readonly name = 'DiskRefused'
}

export type PreparedDisk = { disk: Disk; plan: LayoutPlan; devices: PartitionDevices; filesystems: Filesystems }

/** The steps select-disk, partition and make-filesystems; the root filesystem is mounted at the end. */
export async function prepareDisk(context: DeployContext, mounts: Mounts): Promise<PreparedDisk> {
  const { order, reporter, signal, inventory, rootDirectory } = context
  const { disk, plan } = await runStep(reporter, 'select-disk', async () => {
    const choice = chooseDisk(order.diskRule, inventory.disks)
    if (choice.kind === 'refused') throw new DiskRefused(choice.reason)
    if (order.layout.table === 'kept') throw new DiskRefused('this ramdisk cannot keep a partition table yet')
    const value = { disk: choice.disk, plan: planWholeDisk(choice.disk, inventory.architecture, randomUUID) }
    return { value, detail: `chose ${describeDisk(choice.disk)}` }
  })
  const devices = await runStep(reporter, 'partition', async () => {
    const discarded = await discardDisk(disk.device, signal)
    return { value: await partitionDisk(disk, plan, signal), detail: `${discarded}; GPT for BIOS and UEFI` }
  })
  const filesystems = await runStep(reporter, 'make-filesystems', async () => {
    const value = await makeFilesystems(devices, order.filesystem, randomUUID, signal)
    mkdirSync(rootDirectory, { recursive: true })
    await mounts.mount(devices.root, rootDirectory, ['-t', order.filesystem, '-o', writingMountOptions], signal)
    return { value, detail: `${order.filesystem} on ${devices.root}, FAT32 on ${devices.esp}` }
  })
  return { disk, plan, devices, filesystems }
}
