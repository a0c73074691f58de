import type { BlockUse } from './block-use.ts'

/** What a filesystem will have to hold. */
export type VolumeContent = { entries: number; contentBytes: number }

/** How a filesystem is made in a file, kept in order, and asked which of its blocks are in use. */
export type VolumeDriver = {
  mountOptions: string
  /** Seconds since the epoch that a file's time can have: others would be changed silently. */
  mtimeRange: readonly [number, number]
  /** A size just big enough, with room for the next versions. */
  sizeFor(content: VolumeContent): number
  /** In a file that has its size and nothing in it. */
  make(file: string, content: VolumeContent): Promise<void>
  /** To the size that its file now has: before it is mounted, or when it is. */
  grow: { unmounted(file: string): Promise<void> } | { mounted(directory: string): Promise<void> }
  /** After the last unmount: takes away what tells of the machine on which it was made. */
  settle(file: string): Promise<void>
  /** Checks it, changing nothing, and says how many of its files lie in pieces. Throws ProgramFailed. */
  check(file: string): Promise<{ files: number; fragmented: number }>
  /** Marks what the filesystem's own bookkeeping says is free or has to be zeros. */
  markUse(file: string, use: BlockUse): Promise<void>
}
