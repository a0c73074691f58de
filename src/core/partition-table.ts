import { type Static, Type } from 'typebox'

/** What blkid finds at the beginning of a partition or disk: a filesystem, swap, LVM, RAID, encryption. */
export const Signature = Type.Object({
  /** blkid's name: `ext4`, `btrfs`, `vfat`, `swap`, `LVM2_member`. */
  type: Type.String(),
  label: Type.Optional(Type.String()),
  uuid: Type.Optional(Type.String()),
})
export type Signature = Static<typeof Signature>

export const ExistingPartition = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  startBytes: Type.Integer(),
  sizeBytes: Type.Integer(),
  /** GUID, upper case; in a DOS table two hexadecimal digits. */
  type: Type.String(),
  /** Unique GUID of a GPT's entry, upper case. */
  guid: Type.Optional(Type.String()),
  /** Name in a GPT. */
  name: Type.Optional(Type.String()),
  signature: Type.Optional(Signature),
})
export type ExistingPartition = Static<typeof ExistingPartition>

export const PartitionTable = Type.Object({
  /** `gpt`, `dos`, or another that sfdisk knows. */
  kind: Type.String(),
  /** Of a GPT: its disk GUID. */
  guid: Type.Optional(Type.String()),
  /** Where partitions may lie, as the table says it (GPT) or the disk's size (others). */
  firstUsableBytes: Type.Integer(),
  /** The first byte behind them. */
  endUsableBytes: Type.Integer(),
  /** In the order of their place. */
  partitions: Type.Array(ExistingPartition, { maxItems: 1024 }),
})
export type PartitionTable = Static<typeof PartitionTable>
