import { type Static, Type } from 'typebox'

const strict = { additionalProperties: false } as const

/** Filesystems we make and boot from. */
export const FilesystemType = Type.Union([Type.Literal('ext4'), Type.Literal('btrfs'), Type.Literal('xfs')])
export type FilesystemType = Static<typeof FilesystemType>

/**
 * What a partition is for. `bios-boot`: the gap GRUB's core image lies in under BIOS. `esp`: EFI system partition.
 * `data`: a filesystem beside the root, mounted by the deployed system.
 */
export const PartitionRole = Type.Union([
  Type.Literal('bios-boot'),
  Type.Literal('esp'),
  Type.Literal('root'),
  Type.Literal('swap'),
  Type.Literal('data'),
])
export type PartitionRole = Static<typeof PartitionRole>

/**
 * What becomes of what is in the partition. `made`: a new, empty filesystem. `kept`: it stays as it is (a kept root's
 * files are made equal to the version). `received`: a btrfs filesystem that stays and gets one more version beside what
 * it has; the root's alone.
 */
export const PartitionContent = Type.Union([Type.Literal('made'), Type.Literal('kept'), Type.Literal('received')])
export type PartitionContent = Static<typeof PartitionContent>

/** Which of the disk's partitions: every condition given must hold, and exactly one partition must satisfy them. */
export const PartitionMatch = Type.Object(
  {
    label: Type.Optional(Type.String({ minLength: 1, maxLength: 255, description: 'Label of the filesystem' })),
    partitionLabel: Type.Optional(Type.String({ minLength: 1, maxLength: 72, description: 'Name in the GPT' })),
    guid: Type.Optional(
      Type.String({
        pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$',
        description: 'Unique GUID of its entry in the GPT, which Linux calls PARTUUID',
      }),
    ),
    type: Type.Optional(
      Type.String({
        pattern: '^([a-z][a-z0-9-]*|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$',
        description: 'Partition type: a GUID, or esp, bios-boot, linux, root, home, swap, microsoft-data',
      }),
    ),
    filesystem: Type.Optional(
      Type.String({ pattern: '^[a-zA-Z0-9_]+$', description: 'As blkid names it: ext4, btrfs, xfs, vfat, ntfs, swap' }),
    ),
  },
  { ...strict, minProperties: 1, description: 'An existing partition' },
)
export type PartitionMatch = Static<typeof PartitionMatch>

export const PartitionSize = Type.String({
  pattern: '^(rest|[1-9][0-9]{0,6} ?(MiB|GiB|TiB))$',
  description: 'Of a new partition: "100 MiB", "20 GiB", or "rest": what is left of the free space',
})

export const Subvolume = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9@][A-Za-z0-9@._-]{0,63}$' }),
    mount: Type.String({ pattern: '^/([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$' }),
  },
  { ...strict, description: 'A btrfs subvolume at the top of its filesystem; made where there is none of that name' },
)
export type Subvolume = Static<typeof Subvolume>

export const LayoutPartition = Type.Object(
  {
    role: PartitionRole,
    find: Type.Optional(PartitionMatch),
    content: Type.Optional(PartitionContent),
    size: Type.Optional(PartitionSize),
    filesystem: Type.Optional(FilesystemType),
    label: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9_-]{1,11}$', description: 'Of the filesystem that is made' }),
    ),
    mount: Type.Optional(
      Type.String({
        pattern: '^(/[A-Za-z0-9._-]+)+$',
        description: 'Where the deployed system mounts a data partition',
      }),
    ),
    subvolumes: Type.Optional(Type.Array(Subvolume, { minItems: 1, maxItems: 32 })),
    keptPaths: Type.Optional(
      Type.Array(Type.String({ pattern: '^(/[A-Za-z0-9._-]+)+$' }), {
        maxItems: 64,
        description: 'Directories of a kept root that are nobody’s but the machine’s: neither written nor removed',
      }),
    ),
  },
  {
    ...strict,
    description:
      'New where `find` is not given. `content` is `made` for a new partition and `kept` for an existing one',
  },
)
export type LayoutPartition = Static<typeof LayoutPartition>

/**
 * The partitions and filesystems a deployment makes or reuses, as it stands in a file, in the order and in the state.
 * layout-problems.ts has the rules that a schema cannot say.
 */
export const Layout = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$' }),
    description: Type.Optional(Type.String({ maxLength: 500 })),
    table: Type.Union([Type.Literal('new'), Type.Literal('kept')], {
      description: 'new: the whole disk is overwritten. kept: what the layout does not name stays untouched',
    }),
    partitions: Type.Array(LayoutPartition, { minItems: 1, maxItems: 16 }),
  },
  { ...strict, title: 'Layout of a disk, as Bootwright makes it' },
)
export type Layout = Static<typeof Layout>

/** What becomes of a partition's content where the layout does not say it. */
export function contentOf(partition: LayoutPartition): PartitionContent {
  return partition.content ?? (partition.find === undefined ? 'made' : 'kept')
}

/** Name in the GPT of a partition that is made: by it the next deployment finds it again. */
export function partitionName({ role, label, mount }: LayoutPartition): string {
  const place = role === 'data' ? mount?.slice(1).replaceAll('/', '-') : undefined
  return `bootwright-${label ?? place ?? role}`.slice(0, 36)
}

/** Every checked layout has exactly one. */
export function rootOf(layout: Layout): LayoutPartition {
  return layout.partitions.find((partition) => partition.role === 'root')!
}
