import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskPlan, PlannedPartition } from '../../core/disk-plan.ts'
import type { FilesystemType } from '../../core/layout.ts'
import type { DeployRendition } from '../../core/order.ts'
import { runProgram } from '../../programs/run-program.ts'
import type { EfiSystemPartition, Filesystems, OtherFilesystem, RootFilesystem } from './filesystems.ts'
import { Mounts } from './mounts.ts'
import type { PartitionDevices } from './partition-disk.ts'

export type MakeOptions = {
  rendition: DeployRendition
  /** Gives a random UUID. */
  newUuid: () => string
  /** An empty directory for the moment in which subvolumes are made. */
  scratchDirectory: string
  signal: AbortSignal
}

const makeTimeoutMs = 300_000

/**
 * Makes what the plan says is made, with fresh identifiers, and looks at the rest: nothing that is kept is written to.
 * Throws ProgramFailed.
 */
export async function makeFilesystems(
  plan: DiskPlan,
  devices: PartitionDevices,
  options: MakeOptions,
): Promise<Filesystems> {
  const filesystems: Partial<Filesystems> & { others: OtherFilesystem[] } = { others: [] }
  for (const partition of plan.partitions) {
    const device = devices.get(partition.number)!
    if (partition.role === 'root') {
      filesystems.root = await prepareRoot(partition, device, options)
      filesystems.others.push(...mountedSubvolumes(partition, filesystems.root))
    } else if (partition.role === 'esp') filesystems.esp = await prepareEsp(partition, device, options)
    else if (partition.role !== 'bios-boot')
      filesystems.others.push(...(await prepareOther(partition, device, options)))
  }
  return filesystems as Filesystems
}

async function prepareRoot(partition: PlannedPartition, device: string, options: MakeOptions): Promise<RootFilesystem> {
  const { number, guid, content, filesystem, signature } = partition
  const type = (filesystem?.type ?? signature?.type) as FilesystemType
  const isBlank = content === 'made' && options.rendition === 'volume'
  const uuid = content === 'made' ? options.newUuid() : signature!.uuid!
  if (content === 'made') {
    await wipeOld(partition, device, options)
    if (!isBlank) await run(makeCommand(type, device, uuid, filesystem?.label ?? 'root'), options)
  }
  if (!isBlank) await makeSubvolumes(partition, device, options)
  const subvolume = partition.subvolumes?.find(({ mount }) => mount === '/')?.name
  return {
    device,
    number,
    partitionGuid: guid,
    type,
    uuid,
    content,
    state: isBlank ? 'blank' : options.rendition === 'tree' ? 'mounted' : 'unmounted',
    ...(subvolume !== undefined && { subvolume }),
    keptPaths: (partition.keptPaths ?? []).map((path) => path.slice(1)),
  }
}

async function prepareEsp(
  partition: PlannedPartition,
  device: string,
  options: MakeOptions,
): Promise<EfiSystemPartition> {
  const facts = { device, number: partition.number, partitionGuid: partition.guid }
  if (partition.content !== 'made') return { ...facts, uuid: partition.signature!.uuid!, content: 'kept' }
  const volumeId = options.newUuid().slice(0, 8).toUpperCase()
  const label = partition.filesystem?.label ?? 'ESP'
  await run(['mkfs.fat', '-F', '32', '-n', label, '-i', volumeId, device], options)
  return { ...facts, uuid: `${volumeId.slice(0, 4)}-${volumeId.slice(4)}`, content: 'made' }
}

async function prepareOther(
  partition: PlannedPartition,
  device: string,
  options: MakeOptions,
): Promise<OtherFilesystem[]> {
  const { content, filesystem, signature, mount } = partition
  const isMade = content === 'made'
  const uuid = isMade ? options.newUuid() : signature!.uuid!
  if (isMade) await wipeOld(partition, device, options)
  if (partition.role === 'swap') {
    if (isMade) await run(['mkswap', '-L', filesystem?.label ?? 'swap', '-U', uuid, device], options)
    return [{ role: 'swap', device, uuid }]
  }
  const type = filesystem?.type ?? signature!.type
  if (isMade) await run(makeCommand(type as FilesystemType, device, uuid, filesystem?.label ?? 'data'), options)
  await makeSubvolumes(partition, device, options)
  const facts = { device, uuid, type, content: isMade ? ('made' as const) : ('kept' as const) }
  return mount === undefined ? mountedSubvolumes(partition, facts) : [{ role: 'data', ...facts, mount }]
}

/** What an existing partition had must not shine through what is made in it. */
async function wipeOld(partition: PlannedPartition, device: string, options: MakeOptions): Promise<void> {
  if (partition.entry === 'existing') await run(['wipefs', '--all', '--force', '--quiet', device], options)
}

async function makeSubvolumes(partition: PlannedPartition, device: string, options: MakeOptions): Promise<void> {
  if (partition.subvolumes === undefined) return
  mkdirSync(options.scratchDirectory, { recursive: true })
  await using mounts = new Mounts()
  await mounts.mount(device, options.scratchDirectory, ['-t', 'btrfs', '-o', 'subvolid=5'], options.signal)
  for (const { name } of partition.subvolumes) {
    const path = join(options.scratchDirectory, name)
    if (!existsSync(path)) await run(['btrfs', 'subvolume', 'create', path], options)
  }
  await mounts.unmountAll()
}

/** Subvolumes beside the root's own are mounted by the deployed system like partitions. */
function mountedSubvolumes(
  { subvolumes = [], content }: PlannedPartition,
  { device, uuid, type }: { device: string; uuid: string; type: string },
): OtherFilesystem[] {
  return subvolumes
    .filter(({ mount }) => mount !== '/')
    .map(({ name, mount }) => ({
      role: 'data',
      device,
      uuid,
      type,
      mount,
      subvolume: name,
      content: content === 'made' ? 'made' : 'kept',
    }))
}

async function run([program, ...args]: [string, ...string[]], { signal }: MakeOptions): Promise<void> {
  await runProgram(program, args, { timeoutMs: makeTimeoutMs, signal })
}

/**
 * The program that makes a filesystem. Features that GRUB 2.06 (Debian 12) cannot read are left out, because the
 * deployed image's GRUB may be older than the ramdisk's mkfs.
 */
export function makeCommand(type: FilesystemType, device: string, uuid: string, label: string): [string, ...string[]] {
  switch (type) {
    case 'ext4':
      return ['mkfs.ext4', '-F', '-q', '-L', label, '-U', uuid, '-O', '^metadata_csum_seed,^orphan_file', device]
    case 'btrfs':
      return ['mkfs.btrfs', '-f', '-q', '-L', label, '-U', uuid, device]
    case 'xfs':
      return ['mkfs.xfs', '-f', '-q', '-L', label, '-m', `uuid=${uuid}`, '-i', 'nrext64=0', device]
  }
}

/** Options while the image is written; the deployed system mounts by its own fstab. */
export const writingMountOptions = 'noatime'
