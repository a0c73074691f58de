import { blocksOf, chunkBytes, chunkIdOfRow, type FileEntry, type Tree } from '../tree.ts'
import type { StoredChunks } from './stored-chunks.ts'

const keptRows = 8

/** What a new filesystem holds; its root's metadata is not that of any tree, so that it is always set. */
export const emptyTree: Tree = {
  entries: [
    { type: 'directory', path: '', mode: -1, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] },
  ],
  chunks: { count: 0, ids: Buffer.alloc(0), sizes: new Uint32Array(0) },
  sizeBytes: 0,
}

/** Contents of a version's files, read from the repository. Rows that hold several small files are kept a while. */
export class TreeContents {
  readonly tree: Tree
  readonly #chunks: StoredChunks
  readonly #rows = new Map<number, Promise<Buffer>>()

  constructor(tree: Tree, chunks: StoredChunks) {
    this.tree = tree
    this.#chunks = chunks
  }

  /** Of a file up to 256 KiB: a view that must not be written to. */
  async readSmall(file: FileEntry): Promise<Uint8Array> {
    if (file.sizeBytes === 0) return new Uint8Array(0)
    const row = await this.#readRow(file.row)
    return row.subarray(file.at, file.at + file.sizeBytes)
  }

  /** Of a larger file: its blocks that are no holes, in order. */
  async *readBlocks(file: FileEntry): AsyncGenerator<{ offset: number; bytes: Buffer }> {
    const blocks = [...blocksOf(file)]
    let next = this.#readBlock(blocks[0]?.row)
    for (const [at, { block }] of blocks.entries()) {
      const bytes = await next
      next = this.#readBlock(blocks[at + 1]?.row) // on its way while this one is written
      next.catch(() => undefined) // met in the next turn
      yield { offset: block * chunkBytes, bytes: bytes! }
    }
  }

  /** Some bytes of a file over 256 KiB, from a block's start on. */
  async readRange(file: FileEntry, offset: number, sizeBytes: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.min(sizeBytes, file.sizeBytes - offset))
    for (const { block, row } of blocksOf(file)) {
      const at = block * chunkBytes - offset
      if (at < 0 || at >= bytes.length) continue
      bytes.set((await this.#chunks.read(this.tree.chunks, row)).subarray(0, bytes.length - at), at)
    }
    return bytes
  }

  async #readBlock(row: number | undefined): Promise<Buffer | undefined> {
    return row === undefined ? undefined : this.#chunks.read(this.tree.chunks, row)
  }

  #readRow(row: number): Promise<Buffer> {
    let bytes = this.#rows.get(row)
    if (bytes) return bytes
    bytes = this.#chunks.read(this.tree.chunks, row)
    this.#rows.set(row, bytes)
    if (this.#rows.size > keptRows) this.#rows.delete(this.#rows.keys().next().value!)
    return bytes
  }
}

/** Whether two files have the same bytes; those of small files are read where the manifests do not tell. */
export async function haveSameContent(
  have: TreeContents,
  a: FileEntry,
  want: TreeContents,
  b: FileEntry,
): Promise<boolean> {
  if (a.sizeBytes !== b.sizeBytes) return false
  if (a.sizeBytes === 0) return true
  if (a.sizeBytes > chunkBytes) return haveSameBlocks(have.tree, a, want.tree, b)
  if (a.at === b.at && chunkIdOfRow(have.tree.chunks, a.row) === chunkIdOfRow(want.tree.chunks, b.row)) return true
  const [old, now] = await Promise.all([have.readSmall(a), want.readSmall(b)])
  return Buffer.from(old.buffer, old.byteOffset, old.length).equals(now)
}

function haveSameBlocks(have: Tree, a: FileEntry, want: Tree, b: FileEntry): boolean {
  const [old, now] = [[...blocksOf(a)], [...blocksOf(b)]]
  return (
    old.length === now.length &&
    now.every(({ block, row }, at) => {
      const other = old[at]!
      return other.block === block && chunkIdOfRow(have.chunks, other.row) === chunkIdOfRow(want.chunks, row)
    })
  )
}
