import { TreeBases } from '../image/deltas/tree-bases.ts'
import type { RowLocation } from '../image/locations.ts'
import { decodeStoredManifest } from '../image/manifest-open.ts'
import { decodeIndex, type PackedChunk } from '../image/pack-format.ts'
import { chunkKey } from '../image/pack-index.ts'
import type { Tree } from '../image/tree.ts'
import { piecesOfRows } from './write-tree-plan.ts'
import { FetchFailed, type VersionSource } from './write-tree-source.ts'

/** Bytes of a file that the machine may still have as the version before put it there. */
export type OldStretch = { path: string; offset: number; sizeBytes: number }
/** `copy`: the stretches are the chunk. `delta`: they are what its stored bytes were compressed against. */
export type OldBasis = { kind: 'copy' | 'delta'; stretches: OldStretch[] }
/** A chunk that needs no pack; where it is copied nothing is fetched. */
export type OldChunk = RowLocation & { basis: OldBasis }

const maxManifestFileBytes = 256 * 1024 * 1024
const maxIndexBytes = 64 * 1024 * 1024

/**
 * The version that was written to this machine before, as a help to fetch less: what a chunk gives must still hash to its
 * id, so nothing depends on whether the files are as they were, or on who made the delta.
 */
export class OldVersion {
  readonly #bases: TreeBases
  readonly #delta: ReadonlyMap<string, PackedChunk>
  readonly #wanted: Tree
  readonly #rowOfChunk: ReadonlyMap<string, OldStretch[]>
  /** Path of the delta's data on the boot plane. */
  readonly dataPath: string

  private constructor(old: Tree, wanted: Tree, delta: readonly PackedChunk[], dataPath: string) {
    this.#bases = new TreeBases(old, wanted)
    this.#wanted = wanted
    this.#delta = new Map(delta.map((chunk) => [chunkKey(chunk.id), chunk]))
    this.#rowOfChunk = stretchesOfChunks(old)
    this.dataPath = dataPath
  }

  /** Undefined when the server has that version no more. Throws FetchFailed, ManifestInvalid, DecodeError. */
  static async open(
    source: VersionSource,
    { version, previousVersion, tree }: { version: string; previousVersion: string; tree: Tree },
  ): Promise<OldVersion | undefined> {
    const directory = `/images/${version}/deltas/${previousVersion}`
    const [manifest, index] = await Promise.all([
      fetchIfThere(source, `/images/${previousVersion}/manifest`, maxManifestFileBytes),
      fetchIfThere(source, `${directory}/index`, maxIndexBytes),
    ])
    if (manifest === undefined) return undefined
    const old = decodeStoredManifest(manifest, previousVersion)
    return new OldVersion(old, tree, index ? decodeIndex('delta index', index) : [], `${directory}/data`)
  }

  /** How to make these rows of the chunk table; those it cannot make are left out. */
  locate(rows: readonly number[]): OldChunk[] {
    return rows.map((row) => this.#locateRow(row)).filter((chunk) => chunk !== undefined)
  }

  #locateRow(row: number): OldChunk | undefined {
    const { ids, sizes } = this.#wanted.chunks
    const key = chunkKey(ids.subarray(row * 32, row * 32 + 32))
    const copied = this.#rowOfChunk.get(key)
    if (copied) {
      return { row, offset: 0, storedBytes: 0, encoding: 'raw', basis: { kind: 'copy', stretches: copied } }
    }
    const delta = this.#delta.get(key)
    if (delta === undefined || delta.sizeBytes !== sizes[row]) return undefined
    const stretches = this.#bases.piecesFor(row).map(({ file, ...stretch }) => ({ path: file.path, ...stretch }))
    const { offset, storedBytes } = delta
    return { row, offset, storedBytes, encoding: 'zstd', basis: { kind: 'delta', stretches } }
  }
}

/** Where each of its chunks lies on a machine that has the tree. */
function stretchesOfChunks(tree: Tree): Map<string, OldStretch[]> {
  const { ids } = tree.chunks
  const found = new Map<string, OldStretch[]>()
  for (const [row, pieces] of piecesOfRows(tree).entries()) {
    const stretches = pieces.map(({ path, fileOffset: offset, sizeBytes }) => ({ path, offset, sizeBytes }))
    found.set(chunkKey(ids.subarray(row * 32, row * 32 + 32)), stretches)
  }
  return found
}

async function fetchIfThere(source: VersionSource, path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    return await source.fetchFile(path, maxBytes)
  } catch (error) {
    if (error instanceof FetchFailed && error.status === 404) return undefined
    throw error
  }
}
