import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { DiskPlan } from '../core/disk-plan.ts'
import { chooseDisk, describeDisk } from '../core/disk-rule.ts'
import { drawDisk, drawPlan } from '../core/draw-disk.ts'
import type { Disk } from '../core/inventory.ts'
import type { DiskPlanning } from '../core/plan-disk.ts'
import type { DeployContext } from './deploy-context.ts'
import type { Filesystems, RootFilesystem } from './disk/filesystems.ts'
import { makeFilesystems, writingMountOptions } from './disk/make-filesystems.ts'
import type { Mounts } from './disk/mounts.ts'
import {
  discardDevice,
  kernelPartitions,
  type LocatePartitions,
  type PartitionDevices,
  writeTable,
} from './disk/partition-disk.ts'
import { beforePartition } from './hooks/before-partition.ts'
import { readDiskContent } from './inventory/read-partition-table.ts'
import { planAttempt } from './plan-attempt.ts'
import { say } from './say.ts'
import { runStep } from './step-run.ts'

/** No disk satisfies the order's rule, several do, or the layout does not fit the one that does. */
export class DiskRefused extends Error {
  override readonly name = 'DiskRefused'
}

export type PreparedDisk = { disk: Disk; plan: DiskPlan; filesystems: Filesystems }

/**
 * The steps from select-disk to make-filesystems. At the end the root filesystem is in the state that its writer
 * needs (disk/filesystems.ts). `locate` finds the devices of partitions.
 */
export async function prepareDisk(
  context: DeployContext,
  mounts: Mounts,
  locate: LocatePartitions = kernelPartitions,
): Promise<PreparedDisk> {
  const { reporter, signal } = context
  const lookAtDisk = async () => {
    const chosen = await selectDisk(context)
    const { planning, detail } = await planAttempt(context, chosen, locate)
    return { disk: chosen, plan: planOf(planning, chosen), detail }
  }
  const selected = await runStep(reporter, 'select-disk', async () => {
    const value = await lookAtDisk()
    const chose = `chose ${describeDisk(value.disk)}; layout ${context.order.layout.name}`
    return { value, detail: value.detail === undefined ? chose : `${chose}; ${value.detail}` }
  })
  const looking = { disk: selected.disk, lookAgain: lookAtDisk }
  const { disk, plan } = await beforePartition(context, selected, looking)
  const devices = await runStep(reporter, 'partition', async () => {
    for (const line of drawPlan(plan, disk)) say(`  ${line}`)
    return partition(context, disk, plan, locate)
  })
  const filesystems = await runStep(reporter, 'make-filesystems', async () => {
    const { rendition } = context.order
    const scratchDirectory = `${context.rootDirectory}.subvolumes`
    const value = await makeFilesystems(plan, devices, { rendition, newUuid: randomUUID, scratchDirectory, signal })
    await mountRoot(value.root, context, mounts)
    return { value, detail: describeFilesystems(value) }
  })
  return { disk, plan, filesystems }
}

/**
 * The one disk that the order's rule means, with what lies on it now: an attempt before this one may have changed what
 * the inventory saw. Throws DiskRefused.
 */
export async function selectDisk({ order, inventory, signal }: DeployContext): Promise<Disk> {
  const choice = chooseDisk(order.diskRule, inventory.disks)
  if (choice.kind === 'refused') throw new DiskRefused(choice.reason)
  const { table: _table, signature: _signature, ...disk } = choice.disk
  return { ...disk, ...(await readDiskContent(disk.device, disk.sizeBytes, signal)) }
}

function planOf(planning: DiskPlanning, disk: Disk): DiskPlan {
  if (planning.kind === 'plan') return planning.plan
  for (const line of drawDisk(disk)) say(`  ${line}`)
  throw new DiskRefused(planning.reason)
}

async function partition({ order, signal }: DeployContext, disk: Disk, plan: DiskPlan, locate: LocatePartitions) {
  // A volume's writer looks first whether its blocks are there already: a discard would take them away.
  const keepsBlocks = order.rendition === 'volume'
  if (plan.table === 'new') {
    const discarded = keepsBlocks ? 'not discarded yet' : await discardDevice(disk.device, signal)
    await writeTable(disk, plan, signal)
    return { value: await locate(disk, plan, signal), detail: `${discarded}; new GPT` }
  }
  await writeTable(disk, plan, signal)
  const value = await locate(disk, plan, signal)
  const discarded = await discardMade(plan, value, { keepsBlocks, signal })
  const added = plan.partitions.filter(({ entry }) => entry === 'new').map(({ number }) => number)
  const changed = added.length === 0 ? 'nothing changed in it' : `partition ${added.join(', ')} added`
  return { value, detail: `GPT kept, ${changed}; ${plan.untouched.length} partitions are not named${discarded}` }
}

/** What is lost anyway; everything else of the disk stays. */
async function discardMade(
  plan: DiskPlan,
  devices: PartitionDevices,
  { keepsBlocks, signal }: { keepsBlocks: boolean; signal: AbortSignal },
): Promise<string> {
  const told: string[] = []
  for (const { number, content, role } of plan.partitions) {
    if (content === 'made' && !(keepsBlocks && role === 'root'))
      told.push(`${role} ${await discardDevice(devices.get(number)!, signal)}`)
  }
  return told.map((text) => `; ${text}`).join('')
}

async function mountRoot(root: RootFilesystem, { rootDirectory, signal }: DeployContext, mounts: Mounts) {
  mkdirSync(rootDirectory, { recursive: true })
  if (root.state !== 'mounted') return
  const options = [writingMountOptions, ...(root.subvolume === undefined ? [] : [`subvol=${root.subvolume}`])]
  await mounts.mount(root.device, rootDirectory, ['-t', root.type, '-o', options.join(',')], signal)
}

function describeFilesystems({ root, esp, others }: Filesystems): string {
  const deed = root.state === 'blank' ? 'to be written' : root.content
  const parts = [`root ${root.type} on ${root.device} ${deed}`]
  if (esp !== undefined) parts.push(`FAT32 on ${esp.device} ${esp.content}`)
  for (const other of others) {
    if (other.role === 'swap') parts.push(`swap on ${other.device}`)
    else parts.push(`${other.mount} (${other.type} on ${other.device}) ${other.content}`)
  }
  return parts.join(', ')
}
