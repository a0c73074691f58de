import type { DiskPlan, PlannedPartition } from './disk-plan.ts'
import { describeDisk } from './disk-rule.ts'
import { describePartition } from './draw-disk.ts'
import { findPartition } from './find-partition.ts'
import { freeGaps, type Gap, placeInGaps, type Wanted } from './free-space.ts'
import type { Disk } from './inventory.ts'
import { contentOf, type Layout, type LayoutPartition, partitionName } from './layout.ts'
import { takesTheRest } from './layout-problems.ts'
import type { ExistingPartition, PartitionTable } from './partition-table.ts'
import { partitionTypes } from './partition-types.ts'

const mib = 2 ** 20
const gib = 2 ** 30
const largestNumber = 128

/** What is known of the machine; `disk` with the table that was read from it. */
export type PlanFacts = { layout: Layout; disk: Disk; firmware: 'bios' | 'uefi'; architecture: string }

export type DiskPlanning = { kind: 'plan'; plan: DiskPlan } | { kind: 'refused'; reason: string }

/** Why the layout does not fit the disk; becomes a refusal. */
class Refusal extends Error {}

/** The layout on this disk, or why not, in words that list what was seen. `newGuid` gives a fresh GUID in any case. */
export function planDisk(facts: PlanFacts, newGuid: () => string): DiskPlanning {
  try {
    const { layout } = facts
    const plan = layout.table === 'new' ? planNewTable(facts, newGuid) : planKeptTable(facts, newGuid)
    refuseUnbootable(plan, facts.firmware)
    return { kind: 'plan', plan }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const reason = `the layout ${facts.layout.name} does not fit ${describeDisk(facts.disk)}: ${error.message}`
    return { kind: 'refused', reason: `${reason}; it has ${describeTable(facts.disk)}` }
  }
}

function planNewTable(facts: PlanFacts, newGuid: () => string): DiskPlan {
  const { disk, layout } = facts
  // The last MiB holds the second GPT: 33 sectors of 512 bytes or 5 of 4096.
  const endBytes = Math.floor(disk.sizeBytes / mib - 1) * mib
  const diskGuid = newGuid().toUpperCase()
  const numbered = layout.partitions.map((partition, index) => ({ partition, number: index + 1 }))
  const partitions = placeNew(facts, numbered, [{ startBytes: mib, endBytes }], newGuid)
  return { table: 'new', diskGuid, sectorBytes: disk.logicalSectorBytes, partitions, untouched: [] }
}

function planKeptTable(facts: PlanFacts, newGuid: () => string): DiskPlan {
  const { disk, layout } = facts
  const table = keptTable(disk)
  const existing = findAll(facts, table)
  const used = new Set(table.partitions.map((partition) => partition.number))
  const free = Array.from({ length: largestNumber }, (_, index) => index + 1).filter((number) => !used.has(number))
  const created = layout.partitions.filter((partition) => partition.find === undefined)
  if (created.length > free.length) throw new Refusal(`there are only ${free.length} free entries in its table`)
  const numbered = created.map((partition, index) => ({ partition, number: free[index]! }))
  const partitions = [...existing.values(), ...placeNew(facts, numbered, freeGaps(table), newGuid)]
  const named = new Set(partitions.map((partition) => partition.number))
  return {
    table: 'kept',
    diskGuid: table.guid ?? '',
    sectorBytes: disk.logicalSectorBytes,
    partitions,
    untouched: table.partitions.filter((partition) => !named.has(partition.number)),
  }
}

function keptTable({ table, signature }: Disk): PartitionTable {
  if (table === undefined) {
    const holds = signature === undefined ? '' : ` but ${signature.type} on the whole disk`
    throw new Refusal(`it has no partition table${holds}, and this layout keeps one`)
  }
  if (table.kind === 'gpt') return table
  throw new Refusal(`its partition table is ${table.kind}; only a GPT can be kept (sgdisk --mbrtogpt converts one)`)
}

/** The existing partitions of the layout. Those only the other firmware needs may be missing. */
function findAll(facts: PlanFacts, table: PartitionTable): Map<LayoutPartition, PlannedPartition> {
  const found = new Map<LayoutPartition, PlannedPartition>()
  const claimed = new Set<number>()
  const otherFirmware = facts.firmware === 'uefi' ? 'bios-boot' : 'esp'
  for (const partition of facts.layout.partitions) {
    if (partition.find === undefined) continue
    const candidates = table.partitions.filter(({ number }) => !claimed.has(number))
    const match = findPartition(partition, candidates)
    if (match.kind === 'refused') {
      if (partition.role === otherFirmware) continue
      throw new Refusal(match.reason)
    }
    claimed.add(match.partition.number)
    found.set(partition, plannedExisting(partition, match.partition))
  }
  return found
}

function plannedExisting(partition: LayoutPartition, existing: ExistingPartition): PlannedPartition {
  const content = contentOf(partition)
  const smallestBytes = content === 'made' ? smallestSize(partition) : 0
  if (existing.sizeBytes < smallestBytes) {
    const size = `${describePartition(existing)} is too small for the ${partition.role}`
    throw new Refusal(`${size}, which needs ${smallestBytes / mib} MiB`)
  }
  return {
    number: existing.number,
    entry: 'existing',
    typeGuid: existing.type,
    guid: existing.guid ?? '',
    name: existing.name ?? '',
    startBytes: existing.startBytes,
    sizeBytes: existing.sizeBytes,
    ...(existing.signature && { signature: existing.signature }),
    ...partitionUse(partition),
  }
}

/** What a planned partition has from its layout, wherever it lies. */
function partitionUse(partition: LayoutPartition): Pick<PlannedPartition, 'role' | 'content'> {
  const { role, mount, subvolumes, label, keptPaths } = partition
  const content = contentOf(partition)
  const type = filesystemOf(partition)
  const filesystem = content === 'made' && type !== undefined ? { filesystem: { type, ...(label && { label }) } } : {}
  return {
    role,
    content,
    ...filesystem,
    ...(mount && { mount }),
    ...(subvolumes && { subvolumes }),
    ...(keptPaths && { keptPaths }),
  }
}

function filesystemOf({
  role,
  filesystem,
}: LayoutPartition): NonNullable<PlannedPartition['filesystem']>['type'] | undefined {
  if (role === 'bios-boot') return undefined
  if (role === 'esp') return 'vfat'
  return role === 'swap' ? 'swap' : (filesystem ?? 'ext4')
}

type Numbered = { partition: LayoutPartition; number: number }

function placeNew(
  facts: PlanFacts,
  created: readonly Numbered[],
  gaps: Gap[],
  newGuid: () => string,
): PlannedPartition[] {
  const wanted = created.map(({ partition }) => wantedSize(partition, facts.disk))
  const places = placeInGaps(wanted, gaps)
  if ('kind' in places) {
    const { partition } = created[places.index]!
    const needed = wanted[places.index]!
    const size = `${Math.ceil((needed.sizeBytes ?? needed.smallestBytes) / mib)} MiB`
    const most = `${places.largestBytes / mib} MiB`
    throw new Refusal(
      `a new ${partition.role} partition needs ${size}, and the largest free space left for it is ${most}`,
    )
  }
  return created.map(({ partition, number }, index) => ({
    number,
    entry: 'new',
    typeGuid: typeGuidFor(partition, facts.architecture),
    guid: newGuid().toUpperCase(),
    name: partitionName(partition),
    startBytes: places[index]!.startBytes,
    sizeBytes: places[index]!.endBytes - places[index]!.startBytes,
    ...partitionUse(partition),
  }))
}

function typeGuidFor({ role, mount }: LayoutPartition, architecture: string): string {
  if (role === 'root') return partitionTypes[architecture === 'arm64' ? 'root-arm64' : 'root-x64']
  if (role === 'data') return partitionTypes[mount === '/home' ? 'home' : 'linux']
  return partitionTypes[role]
}

function wantedSize(partition: LayoutPartition, disk: Disk): Wanted {
  const smallestBytes = smallestSize(partition)
  if (takesTheRest(partition)) return { sizeBytes: undefined, smallestBytes }
  if (partition.size !== undefined) return { sizeBytes: parseSize(partition.size), smallestBytes }
  return { sizeBytes: partition.role === 'esp' ? espSizeBytes(disk) : mib, smallestBytes }
}

/** Below these mkfs refuses, or nothing fits. */
function smallestSize({ role, filesystem }: LayoutPartition): number {
  if (role === 'root') return gib
  return filesystem === 'xfs' ? 300 * mib : filesystem === 'btrfs' ? 128 * mib : mib
}

/** FAT32 has at least 65,525 clusters: 256 MiB where a sector is 4096 bytes. It holds boot loaders only, no kernels. */
function espSizeBytes(disk: Disk): number {
  return disk.logicalSectorBytes < 4096 && disk.sizeBytes < 8 * gib ? 100 * mib : 260 * mib
}

const unitBytes: Record<string, number> = { MiB: mib, GiB: gib, TiB: 2 ** 40 }

function parseSize(size: string): number {
  const [, count = '0', unit = 'MiB'] = /^(\d+) ?(\w+)$/.exec(size) ?? []
  return Number(count) * unitBytes[unit]!
}

function refuseUnbootable({ partitions }: DiskPlan, firmware: 'bios' | 'uefi'): void {
  const [role, what] =
    firmware === 'uefi'
      ? (['esp', 'an EFI system partition'] as const)
      : (['bios-boot', 'a bios-boot partition'] as const)
  if (partitions.some((partition) => partition.role === role)) return
  throw new Refusal(`the machine starts by ${firmware.toUpperCase()}, which needs ${what}, and the layout has none`)
}

function describeTable({ table, signature }: Disk): string {
  if (table === undefined)
    return signature === undefined ? 'no partition table' : `${signature.type} and no partition table`
  const free = freeGaps(table).map((gap) => `${(gap.endBytes - gap.startBytes) / mib} MiB free`)
  return `${table.kind.toUpperCase()}: ${[...table.partitions.map(describePartition), ...free].join(', ') || 'nothing'}`
}
