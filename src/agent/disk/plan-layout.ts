import type { Disk } from '../../core/inventory.ts'

const mib = 2 ** 20
const gib = 2 ** 30

/** GPT partition types (UEFI specification §5.3.3; root: Discoverable Partitions Specification). */
const partitionTypes = {
  'bios-boot': '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  root: '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  'root-arm64': 'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
} as const

export type PartitionRole = 'bios-boot' | 'esp' | 'root'

export type PlannedPartition = {
  number: number
  role: PartitionRole
  typeGuid: string
  /** Fresh for every deployment, upper case. */
  guid: string
  startBytes: number
  sizeBytes: number
}

export type LayoutPlan = { diskGuid: string; sectorBytes: number; partitions: PlannedPartition[] }

/** The chosen disk cannot hold the layout. */
export class DiskTooSmall extends Error {
  override readonly name = 'DiskTooSmall'

  constructor(disk: Disk, neededBytes: number) {
    super(
      `Cannot use ${disk.device}: it has ${(disk.sizeBytes / mib).toFixed(0)} MiB and the layout whole-disk needs ` +
        `${(neededBytes / mib).toFixed(0)} MiB; give the machine a larger disk or a rule with minBytes`,
    )
  }
}

const alignmentBytes = mib
const smallestRootBytes = gib

/**
 * The layout `whole-disk`: one GPT that boots under BIOS and UEFI. A gap of 1 MiB for GRUB's core image (BIOS), an EFI
 * system partition, and the root filesystem to the end of the disk, all at multiples of 1 MiB.
 * `newGuid` gives a fresh GUID in any case. Throws DiskTooSmall.
 */
export function planWholeDisk(disk: Disk, architecture: string, newGuid: () => string): LayoutPlan {
  const espBytes = espSizeBytes(disk)
  const rootStartBytes = 2 * alignmentBytes + espBytes
  // The last MiB holds the second GPT: 33 sectors of 512 bytes or 5 of 4096.
  const endBytes = Math.floor(disk.sizeBytes / alignmentBytes - 1) * alignmentBytes
  if (endBytes - rootStartBytes < smallestRootBytes) {
    throw new DiskTooSmall(disk, rootStartBytes + smallestRootBytes + 2 * alignmentBytes)
  }
  const partition = (number: number, role: PartitionRole, startBytes: number, sizeBytes: number) => ({
    number,
    role,
    typeGuid: partitionTypes[role === 'root' && architecture === 'arm64' ? 'root-arm64' : role],
    guid: newGuid().toUpperCase(),
    startBytes,
    sizeBytes,
  })
  return {
    diskGuid: newGuid().toUpperCase(),
    sectorBytes: disk.logicalSectorBytes,
    partitions: [
      partition(1, 'bios-boot', alignmentBytes, alignmentBytes),
      partition(2, 'esp', 2 * alignmentBytes, espBytes),
      partition(3, 'root', rootStartBytes, endBytes - rootStartBytes),
    ],
  }
}

/** FAT32 has at least 65,525 clusters: 256 MiB where a sector is 4096 bytes. It holds boot loaders only, no kernels. */
function espSizeBytes(disk: Disk): number {
  return disk.logicalSectorBytes < 4096 && disk.sizeBytes < 8 * gib ? 100 * mib : 260 * mib
}

/** The plan as sfdisk reads it from standard input (sfdisk(8), "named-fields format"); numbers are sectors. */
export function renderSfdiskScript(plan: LayoutPlan): string {
  const sectors = (bytes: number) => bytes / plan.sectorBytes
  const lines = plan.partitions.map(
    (partition) =>
      `${partition.number} : start=${sectors(partition.startBytes)}, size=${sectors(partition.sizeBytes)}, ` +
      `type=${partition.typeGuid}, uuid=${partition.guid}, name="bootwright-${partition.role}"`,
  )
  return `${['label: gpt', `label-id: ${plan.diskGuid}`, 'unit: sectors', ...lines].join('\n')}\n`
}
