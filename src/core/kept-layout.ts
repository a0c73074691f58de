import { type Layout, type LayoutPartition, type PartitionContent, partitionName } from './layout.ts'

/**
 * The disk that a layout has made, as it is from then on: all of it stays, and its root is made equal to a version (`kept`)
 * or gets versions beside each other (`received`).
 */
export function keptLayout({ name, partitions }: Layout, root: Exclude<PartitionContent, 'made'>): Layout {
  return { name, table: 'kept', partitions: partitions.map((partition) => kept(partition, root)) }
}

function kept(partition: LayoutPartition, root: PartitionContent): LayoutPartition {
  const { role, mount, subvolumes, keptPaths } = partition
  const find = partition.find ?? { partitionLabel: partitionName(partition) }
  return {
    role,
    find,
    content: role === 'root' ? root : 'kept',
    ...(mount !== undefined && { mount }),
    ...(subvolumes && { subvolumes: [...subvolumes] }),
    ...(keptPaths && root === 'kept' && { keptPaths: [...keptPaths] }),
  }
}
