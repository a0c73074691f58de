import { contentOf, type FilesystemType, type Layout, type LayoutPartition } from './layout.ts'

const keptLoaderPartitions: readonly LayoutPartition[] = [
  { role: 'bios-boot', find: { type: 'bios-boot' } },
  { role: 'esp', find: { type: 'esp' } },
]

/** Layouts that are there by name; `bootwright layout show NAME` gives a file to begin one's own with. */
export const readyLayouts: readonly Layout[] = [
  {
    name: 'whole-disk',
    description: 'Overwrites the disk: one GPT for BIOS and UEFI, and the root to the end',
    table: 'new',
    partitions: [{ role: 'bios-boot' }, { role: 'esp' }, { role: 'root', size: 'rest' }],
  },
  {
    name: 'separate-home',
    description: 'Overwrites the disk: a root of 20 GiB, and the rest for /home, which keep-home keeps later',
    table: 'new',
    partitions: [
      { role: 'bios-boot' },
      { role: 'esp' },
      { role: 'root', size: '20 GiB' },
      { role: 'data', size: 'rest', filesystem: 'ext4', label: 'home', mount: '/home' },
    ],
  },
  {
    name: 'versions',
    description: 'Overwrites the disk: a btrfs for versions beside each other, and a /home that outlives them',
    table: 'new',
    partitions: [
      { role: 'bios-boot' },
      { role: 'esp' },
      { role: 'root', size: 'rest', filesystem: 'btrfs', subvolumes: [{ name: 'home', mount: '/home' }] },
    ],
  },
  {
    name: 'reformat',
    description: 'A new filesystem in the partition named bootwright-root; everything else stays as it is',
    table: 'kept',
    partitions: [
      ...keptLoaderPartitions,
      { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'made' },
    ],
  },
  {
    name: 'update',
    description: 'The files of the partition named bootwright-root are made equal to the version; nothing else changes',
    table: 'kept',
    partitions: [
      ...keptLoaderPartitions,
      { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'kept' },
    ],
  },
  {
    name: 'keep-home',
    description: 'Like reformat; the filesystem with the label home is kept and mounted at /home',
    table: 'kept',
    partitions: [
      ...keptLoaderPartitions,
      { role: 'root', find: { partitionLabel: 'bootwright-root' }, content: 'made' },
      { role: 'data', find: { label: 'home' }, mount: '/home' },
    ],
  },
  {
    name: 'receive',
    description: 'Received beside what the only btrfs filesystem of the disk has; older versions stay',
    table: 'kept',
    partitions: [...keptLoaderPartitions, { role: 'root', find: { filesystem: 'btrfs' }, content: 'received' }],
  },
  {
    name: 'unpartitioned',
    description: 'A new root partition in the largest free space, beside the systems that are there',
    table: 'kept',
    partitions: [...keptLoaderPartitions, { role: 'root', size: 'rest' }],
  },
]

export function findReadyLayout(name: string): Layout | undefined {
  return readyLayouts.find((layout) => layout.name === name)
}

/** The layout with its made root as `filesystem`; one whose root's filesystem stays is given back as it is. */
export function withRootFilesystem(layout: Layout, filesystem: FilesystemType): Layout {
  const partitions = layout.partitions.map((partition) => {
    const isMade = partition.role === 'root' && contentOf(partition) === 'made'
    return isMade ? { ...partition, filesystem } : partition
  })
  return { ...layout, partitions }
}
