import type { FilesystemType, PartitionContent } from '../../core/layout.ts'

export type RootFilesystem = {
  device: string
  /** Number in the table, and the partition's GUID in upper case. */
  number: number
  partitionGuid: string
  type: FilesystemType
  /** Of the filesystem that is there, or, of a `blank` one, the fresh one that it is to get. */
  uuid: string
  content: PartitionContent
  /**
   * `mounted`: at the context's rootDirectory, ready for files. `unmounted`: the filesystem is there and the writer mounts
   * it (rendition btrfs; a kept one for rendition volume). `blank`: nothing was made; the writer puts the filesystem's
   * blocks on the device (rendition volume). Whoever writes it mounts it at rootDirectory in the end.
   */
  state: 'mounted' | 'unmounted' | 'blank'
  /** The btrfs subvolume that is `/`, where it is not the top of the filesystem. */
  subvolume?: string
  /** Of a kept one: directories that outlive its versions, as kept-paths.ts wants them. */
  keptPaths: string[]
}

/** `uuid` is FAT's volume id as blkid and fstab write it: `1A2B-3C4D`. */
export type EfiSystemPartition = {
  device: string
  number: number
  partitionGuid: string
  uuid: string
  /** `kept`: other systems' loaders may be on it. */
  content: 'made' | 'kept'
}

/** What the deployed system mounts or swaps to beside root and ESP. */
export type OtherFilesystem =
  | { role: 'swap'; device: string; uuid: string }
  | {
      role: 'data'
      device: string
      uuid: string
      type: string
      mount: string
      content: 'made' | 'kept'
      subvolume?: string
    }

/** What was made or found, and how it is named wherever it is mounted. */
export type Filesystems = {
  root: RootFilesystem
  /** Absent only where the layout has none, which is refused under UEFI. */
  esp?: EfiSystemPartition
  others: OtherFilesystem[]
}
