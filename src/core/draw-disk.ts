import type { DiskPlan, PlannedPartition } from './disk-plan.ts'
import { alignmentBytes, freeGaps } from './free-space.ts'
import type { Disk } from './inventory.ts'
import type { ExistingPartition, PartitionTable, Signature } from './partition-table.ts'
import { typeName } from './partition-types.ts'

/** One line of a disk's picture; without a number it is free space. */
type Row = { number?: number; startBytes: number; sizeBytes: number; what: string }

/** `3 [root-x64, "bootwright-root", ext4 "root", 8.0 GiB]`: for sentences. */
export function describePartition(partition: ExistingPartition): string {
  const facts = [...contentFacts(partition), formatSize(partition.sizeBytes)]
  return `${partition.number} [${facts.join(', ')}]`
}

/** The disk as it is, a line for each partition and free space. */
export function drawDisk(disk: Disk): string[] {
  const { table, signature } = disk
  if (table === undefined)
    return [signature === undefined ? 'no partition table' : `${describeSignature(signature)} on the whole disk`]
  const rows = table.partitions.map((partition) => ({ ...partition, what: contentFacts(partition).join(', ') }))
  return drawRows(rows, table)
}

/** The disk as the plan makes it: what becomes of every partition. */
export function drawPlan(plan: DiskPlan, disk: Disk): string[] {
  const planned = plan.partitions.map((partition) => ({ ...partition, what: describePlanned(partition) }))
  const untouched = plan.untouched.map((partition) => ({
    ...partition,
    what: `untouched: ${contentFacts(partition).join(', ')}`,
  }))
  const rows = [...planned, ...untouched]
  // The same room that planDisk gives to a new table.
  const whole = { firstUsableBytes: alignmentBytes, endUsableBytes: disk.sizeBytes - alignmentBytes }
  return drawRows(rows, plan.table === 'kept' && disk.table ? disk.table : whole)
}

function drawRows(rows: Row[], room: Pick<PartitionTable, 'firstUsableBytes' | 'endUsableBytes'>): string[] {
  const table = { ...room, kind: 'gpt', partitions: rows.map((row) => ({ number: 1, type: '', ...row })) }
  const free = freeGaps(table).map(({ startBytes, endBytes }) => ({
    startBytes,
    sizeBytes: endBytes - startBytes,
    what: 'free',
  }))
  const all: Row[] = [...rows, ...free].sort((a, b) => a.startBytes - b.startBytes)
  return all.map(
    ({ number, sizeBytes, what }) =>
      `${String(number ?? '-').padStart(3)} ${formatSize(sizeBytes).padStart(9)}  ${what}`,
  )
}

function describePlanned(partition: PlannedPartition): string {
  const { role, entry, content, filesystem, mount, subvolumes, signature } = partition
  const deed = entry === 'new' ? 'new' : content === 'made' ? 'made anew' : content
  const holds =
    content === 'made'
      ? filesystem
        ? [filesystemText(filesystem)]
        : []
      : signature
        ? [describeSignature(signature)]
        : []
  const places =
    role === 'root' && !subvolumes ? ['/'] : [mount, ...(subvolumes ?? []).map(subvolumeText)].filter(Boolean)
  const lost =
    entry === 'existing' && content === 'made' && signature ? [`${describeSignature(signature)} is lost`] : []
  return `${deed}: ${[role, ...holds, ...places.map((place) => `at ${place}`), ...lost].join(', ')}`
}

function filesystemText({ type, label }: { type: string; label?: string }): string {
  return label === undefined ? type : `${type} "${label}"`
}

function subvolumeText({ name, mount }: { name: string; mount: string }): string {
  return `${mount} (subvolume ${name})`
}

function contentFacts({ type, name, signature }: ExistingPartition): string[] {
  return [typeName(type), name && `"${name}"`, signature && describeSignature(signature)].filter(
    (fact) => fact !== undefined && fact !== '',
  ) as string[]
}

function describeSignature({ type, label }: Signature): string {
  return filesystemText({ type, ...(label !== undefined && { label }) })
}

function formatSize(sizeBytes: number): string {
  const mib = sizeBytes / 2 ** 20
  return mib < 10_240 ? `${Math.round(mib)} MiB` : `${(mib / 1024).toFixed(1)} GiB`
}
