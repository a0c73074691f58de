import type { FilesystemType, PartitionContent, PartitionRole, Subvolume } from './layout.ts'
import type { ExistingPartition, Signature } from './partition-table.ts'

/** A partition of the layout at its place on the disk. */
export type PlannedPartition = {
  number: number
  role: PartitionRole
  /** Whether its entry is written now; that of an existing one is never touched. */
  entry: 'new' | 'existing'
  content: PartitionContent
  /** Upper case. */
  typeGuid: string
  /** Upper case; fresh for a new partition. */
  guid: string
  /** In the GPT. */
  name: string
  startBytes: number
  sizeBytes: number
  /** What is made, or what is there. `label` is the filesystem's. */
  filesystem?: { type: FilesystemType | 'vfat' | 'swap'; label?: string }
  /** What an existing partition has. */
  signature?: Signature
  mount?: string
  subvolumes?: Subvolume[]
  keptPaths?: string[]
}

export type DiskPlan = {
  table: 'new' | 'kept'
  /** Upper case; fresh for a new table. */
  diskGuid: string
  sectorBytes: number
  partitions: PlannedPartition[]
  /** What the layout does not name, in a kept table. */
  untouched: ExistingPartition[]
}
