import type { PackLocations, RowLocation } from '../../image/locations.ts'
import { chunkKey } from '../../image/pack-index.ts'
import type { ChunkTable } from '../../image/tree.ts'
import { coalesceRanges, type FetchRange } from '../write-tree-plan.ts'
import type { BlockRow } from './block-windows.ts'

/** Ranges to fetch, and by row of the chunk table that a location names, the rows of the device that want the chunk. */
export type WantedChunks = { ranges: FetchRange[]; rowsOf: Map<number, BlockRow[]> }

/** Where the chunk of each row lies. A chunk that stands in several rows is listed under the first alone. */
export class ChunkPlaces {
  readonly #firstRow: Int32Array
  readonly #places = new Map<number, { packId: string; location: RowLocation }>()

  constructor(table: ChunkTable, packs: readonly PackLocations[]) {
    const first = new Map<string, number>()
    this.#firstRow = new Int32Array(table.count)
    for (let row = 0; row < table.count; row++) {
      const key = chunkKey(table.ids.subarray(row * 32, row * 32 + 32))
      const known = first.get(key)
      if (known === undefined) first.set(key, row)
      this.#firstRow[row] = known ?? row
    }
    for (const { packId, chunks } of packs) {
      for (const location of chunks) this.#places.set(location.row, { packId, location })
    }
  }

  /** All rows must have a chunk. */
  wanted(rows: readonly BlockRow[]): WantedChunks {
    const rowsOf = Map.groupBy(rows, ({ chunk }) => this.#firstRow[chunk]!)
    const packs = new Map<string, RowLocation[]>()
    for (const first of rowsOf.keys()) {
      const { packId, location } = this.#places.get(first)!
      const chunks = packs.get(packId)
      if (chunks) chunks.push(location)
      else packs.set(packId, [location])
    }
    return { ranges: coalesceRanges([...packs].map(([packId, chunks]) => ({ packId, chunks }))), rowsOf }
  }
}
