/*
 * The `tree` rendition in memory: what a filesystem holds, path by path, with contents as references into a table of
 * chunks. docs/adr/0001-tree-manifest.md has the reasons.
 */

/** Files are cut at this grid from their start; small files of one directory are bundled up to it. */
export const chunkBytes = 256 * 1024

/** The kernel's NAME_MAX. */
export const maxNameBytes = 255
/** PATH_MAX less room for the directory under which the tree is written. */
export const maxPathBytes = 3840
/** PATH_MAX less the NUL. */
export const maxLinkTargetBytes = 4095

export type Xattr = { name: string; value: Buffer }

export type Metadata = {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number
  uid: number
  gid: number
  /** Seconds since the epoch, may be negative; the nanoseconds always count upwards from it. */
  mtimeSeconds: number
  mtimeNanoseconds: number
  /** Sorted by name; empty nearly always. */
  xattrs: readonly Xattr[]
}

/** All-zero blocks of the 256 KiB grid, [first, how many]: they have no chunk and become holes on the disk. */
export type HoleRun = readonly [block: number, count: number]

/**
 * Where a file's bytes are. A file up to 256 KiB is a part of row `row`, from byte `at`. A larger one has one whole row
 * for each block of its grid that is no hole, from `row` on, and `at` is 0. An empty file has row 0, at 0.
 */
export type Content = { sizeBytes: number; row: number; at: number; holes: readonly HoleRun[] }

/**
 * `group`, on the first member of several hard links, numbers the group; the later ones are `link` entries. Paths have
 * no slash at the start or end; the root directory is the empty path.
 */
export type Entry = Metadata & { path: string } & (
    | { type: 'directory' }
    | ({ type: 'file'; group?: number } & Content)
    | { type: 'symlink'; target: string; group?: number }
    | { type: 'fifo'; group?: number }
    | { type: 'character-device' | 'block-device'; major: number; minor: number; group?: number }
  )
export type LinkEntry = { type: 'link'; path: string; group: number }
export type TreeEntry = Entry | LinkEntry
export type FileEntry = Extract<Entry, { type: 'file' }>

/** One row for each cut, in order; the same chunk may stand in several rows. */
export type ChunkTable = {
  count: number
  /** 32 bytes a row: SHA-256 of the uncompressed bytes. */
  ids: Buffer
  sizes: Uint32Array
}

export type Tree = {
  /** Each directory, then what is in it that is no directory, by name; then its directories, each in the same way. */
  entries: readonly TreeEntry[]
  chunks: ChunkTable
  /** Sum of the files' sizes without holes. */
  sizeBytes: number
}

export function chunkIdOfRow(chunks: ChunkTable, row: number): string {
  return chunks.ids.toString('hex', row * 32, row * 32 + 32)
}

/** The stretches of a large file's grid that are no holes, in order: calls back with block number and row. */
export function* blocksOf(content: Content): Generator<{ block: number; row: number; sizeBytes: number }> {
  const blocks = Math.ceil(content.sizeBytes / chunkBytes)
  let row = content.row
  let block = 0
  for (const [hole, count] of [...content.holes, [blocks, 0] as const]) {
    for (; block < hole; block++, row++) {
      yield { block, row, sizeBytes: Math.min(chunkBytes, content.sizeBytes - block * chunkBytes) }
    }
    block += count
  }
}
