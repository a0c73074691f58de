import { blocksOf, chunkBytes, type FileEntry, type Tree } from '../tree.ts'
import { maxBaseBytes } from './delta-codec.ts'

/** Bytes of a file of the old tree. */
export type BasePiece = { file: FileEntry; offset: number; sizeBytes: number }

/**
 * Where the bytes are against which each row of a new tree's chunk table is compressed: the files of the same path in
 * the old tree, else of the same path but for digits (libx.so.1.2 and libx.so.1.3, modules of two kernels). Both ends
 * find the same from the two manifests alone.
 */
export class TreeBases {
  readonly #old = new Map<string, FileEntry>()
  readonly #pieces = new Map<number, { file: FileEntry; block: number }[]>()

  constructor(old: Tree, now: Tree) {
    const files = old.entries.filter((entry) => entry.type === 'file').filter(({ sizeBytes }) => sizeBytes > 0)
    for (const file of files) {
      for (const name of namesOf(file.path)) if (!this.#old.has(name)) this.#old.set(name, file)
    }
    for (const file of files) this.#old.set(file.path, file)
    for (const file of now.entries) if (file.type === 'file' && file.sizeBytes > 0) this.#addPieces(file)
  }

  /** In order; empty where nothing of the old tree is like it. */
  piecesFor(row: number): BasePiece[] {
    const bases: BasePiece[] = []
    let left = maxBaseBytes
    for (const { file, block } of this.#pieces.get(row) ?? []) {
      const name = namesOf(file.path).find((candidate) => this.#old.has(candidate))
      if (name === undefined) continue
      const old = this.#old.get(name)!
      const offset = Math.max(0, block - 1) * chunkBytes
      const sizeBytes = Math.min(old.sizeBytes - offset, chunkBytes * 3, left)
      if (sizeBytes <= 0) continue
      bases.push({ file: old, offset, sizeBytes })
      left -= sizeBytes
    }
    return bases
  }

  #addPieces(file: FileEntry): void {
    if (file.sizeBytes <= chunkBytes) this.#add(file.row, file, 0)
    else for (const { row, block } of blocksOf(file)) this.#add(row, file, block)
  }

  #add(row: number, file: FileEntry, block: number): void {
    const pieces = this.#pieces.get(row)
    if (pieces) pieces.push({ file, block })
    else this.#pieces.set(row, [{ file, block }])
  }
}

/** A path as it is, with the versions in its directories left out, and with those in its name too. */
function namesOf(path: string): string[] {
  const slash = path.lastIndexOf('/') + 1
  const directory = withoutDigits(path.slice(0, slash))
  return [path, `${directory}${path.slice(slash)}`, `${directory}${withoutDigits(path.slice(slash))}`]
}

function withoutDigits(text: string): string {
  return text.replace(/\d+/g, '#')
}
