import type { Layout, LayoutPartition } from './layout.ts'

/** The disk that a layout has made, as it is from then on: all of it stays, and its root gets versions beside each other. */
export function receivingLayout({ name, partitions }: Layout): Layout {
  return { name, table: 'kept', partitions: partitions.map(received) }
}

function received(partition: LayoutPartition): LayoutPartition {
  const { role, label, mount, subvolumes } = partition
  // plan-disk.ts gives new partitions these names.
  const find = partition.find ?? { partitionLabel: `bootwright-${label ?? role}` }
  return {
    role,
    find,
    content: role === 'root' ? 'received' : 'kept',
    ...(mount !== undefined && { mount }),
    ...(subvolumes && { subvolumes: [...subvolumes] }),
  }
}
