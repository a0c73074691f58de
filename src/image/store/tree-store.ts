import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { fileSystemPath } from '../file-name.ts'
import { ChunkMissing } from '../locations.ts'
import { chunkKey } from '../pack-index.ts'
import { type Repository, readTree } from '../repository.ts'
import { blocksOf, chunkBytes, type FileEntry, type Tree } from '../tree.ts'
import type { ReadStore } from './chunk-store.ts'
import type { ContentName } from './content-name.ts'

/** Part of a chunk: so many bytes of a file, and where in the chunk they stand. */
type Piece = { path: string; position: number; at: number; sizeBytes: number }
type OpenedTree = { rows: Map<string, number>; pieces: Map<number, Piece[]>; sizes: Uint32Array }

/**
 * The files of a version where they lie unpacked: the tree it was imported from, or a machine's root. The version's
 * manifest says which files made a chunk; where they are still the same, so is the chunk.
 */
export class TreeStore implements ReadStore {
  readonly origin: string
  readonly #repository: Repository
  readonly #trees = new Map<string, Promise<OpenedTree>>()

  /** `repository` has the manifests. */
  constructor(directory: string, repository: Repository) {
    this.origin = path.resolve(directory)
    this.#repository = repository
  }

  async readFile(): Promise<undefined> {
    return undefined
  }

  async readChunk(id: string, holders: readonly ContentName[]): Promise<Buffer> {
    for (const { version, rendition } of holders) {
      if (rendition !== undefined) continue
      const tree = await this.#open(version)
      const row = tree.rows.get(chunkKey(Buffer.from(id, 'hex')))
      const bytes = row === undefined ? undefined : await this.#gather(tree.pieces.get(row)!, tree.sizes[row]!)
      if (bytes && hash('sha256', bytes, 'hex') === id) return bytes
    }
    throw new ChunkMissing(id, `the files under ${this.origin}: they are gone or have changed`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#trees.clear()
  }

  #open(version: string): Promise<OpenedTree> {
    let tree = this.#trees.get(version)
    if (!tree) {
      tree = readTree(this.#repository, version).then(openTree)
      this.#trees.set(version, tree)
    }
    return tree
  }

  /** Undefined where a file is not there, or is too short. */
  async #gather(pieces: readonly Piece[], sizeBytes: number): Promise<Buffer | undefined> {
    const bytes = Buffer.alloc(sizeBytes)
    for (const piece of pieces) {
      const file = fileSystemPath(path.join(this.origin, piece.path))
      if (!(await readPiece(file, piece, bytes))) return undefined
    }
    return bytes
  }
}

async function readPiece(file: string | Buffer, piece: Piece, target: Buffer): Promise<boolean> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { bytesRead } = await handle.read(target, piece.at, piece.sizeBytes, piece.position)
    return bytesRead === piece.sizeBytes
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

function openTree({ entries, chunks }: Tree): OpenedTree {
  const rows = new Map<string, number>()
  for (let row = chunks.count - 1; row >= 0; row--)
    rows.set(chunkKey(chunks.ids.subarray(row * 32, row * 32 + 32)), row)
  const pieces = new Map<number, Piece[]>()
  for (const entry of entries) {
    if (entry.type !== 'file' || entry.sizeBytes === 0) continue
    for (const { row, ...piece } of piecesOf(entry)) {
      if (!pieces.has(row)) pieces.set(row, [])
      pieces.get(row)!.push(piece)
    }
  }
  return { rows, pieces, sizes: chunks.sizes }
}

function* piecesOf(file: FileEntry): Generator<Piece & { row: number }> {
  const { path, sizeBytes, row, at } = file
  if (sizeBytes <= chunkBytes && file.holes.length === 0) {
    yield { path, row, at, position: 0, sizeBytes }
    return
  }
  for (const { block, row, sizeBytes } of blocksOf(file)) {
    yield { path, row, at: 0, position: block * chunkBytes, sizeBytes }
  }
}
