import type { FilesystemType } from '../../core/layout.ts'
import type { ExistingPartition } from '../../core/partition-table.ts'
import { InsideRoot } from '../inside-root.ts'

/** By blkid's names: the filesystem driver that mounts it here. */
const drivers: Record<string, FilesystemType> = { ext2: 'ext4', ext3: 'ext4', ext4: 'ext4', xfs: 'xfs', btrfs: 'btrfs' }

export function driverOf(partition: ExistingPartition): FilesystemType | undefined {
  return drivers[partition.signature?.type ?? '']
}

/** Whether what is mounted there looks like the root of a Linux system. */
export function isLinuxRoot(directory: string): boolean {
  const root = new InsideRoot(directory)
  return ['/etc', '/usr', '/var'].every((path) => root.stat(path)?.isDirectory())
}
