import { DecodeError } from '../bytes/decode-error.ts'
import { LineReader, readLines } from './line-reader.ts'
import { type Encoding, maxChunkBytes } from './pack-format.ts'
import { type ChunkLocation, chunkKey } from './pack-index.ts'
import { isId } from './repository-layout.ts'
import type { ChunkTable } from './tree.ts'

export const locationsFormat = 'bootwright-locations-1'
const what = 'chunk locations'

/** Where the chunk of row `row` lies: `storedBytes` from `offset` of the pack on. */
export type RowLocation = { row: number; offset: number; storedBytes: number; encoding: Encoding }
/** In the order of their offsets. */
export type PackLocations = { packId: string; chunks: RowLocation[] }

/** A chunk that the manifest needs and no pack holds. */
export class ChunkMissing extends Error {
  override readonly name = 'ChunkMissing'
  readonly chunkId: string

  constructor(chunkId: string, place = 'any pack of the repository; import the version again') {
    super(`Cannot find chunk ${chunkId} in ${place}`)
    this.chunkId = chunkId
  }
}

/**
 * What a client needs to fetch a version by ranges: newline-delimited JSON, a header, then one line a pack with
 * `[row, offset, storedBytes, 0 raw | 1 zstd]` for each chunk, by offset. A chunk that stands in several rows is listed
 * under the first. Throws ChunkMissing.
 */
export function encodeLocations(
  versionId: string,
  table: ChunkTable,
  index: ReadonlyMap<string, ChunkLocation>,
): { text: string; storedBytes: number } {
  const packs = new Map<string, [number, number, number, number][]>()
  let storedBytes = 0
  for (const [key, row] of firstRows(table)) {
    const location = index.get(key)
    if (!location) throw new ChunkMissing(Buffer.from(key, 'latin1').toString('hex'))
    const { packId, offset, encoding } = location
    if (!packs.has(packId)) packs.set(packId, [])
    packs.get(packId)!.push([row, offset, location.storedBytes, encoding === 'zstd' ? 1 : 0])
    storedBytes += location.storedBytes
  }
  const lines: object[] = [{ format: locationsFormat, version: versionId, packs: packs.size, storedBytes }]
  for (const [pack, chunks] of packs) lines.push({ pack, chunks: chunks.sort((a, b) => a[1] - b[1]) })
  return { text: lines.map((line) => `${JSON.stringify(line)}\n`).join(''), storedBytes }
}

/**
 * Reads locations that may be hostile: after this every chunk of the table has exactly one place, with sane numbers.
 * What lies there is only believed when its hash agrees. Throws DecodeError.
 */
export function decodeLocations(bytes: Buffer, versionId: string, table: ChunkTable): PackLocations[] {
  const lines = readLines(what, bytes)
  const first = lines.next()
  if (first.done) throw new DecodeError(what, 'they are empty')
  const header = new LineReader(what, first.value.text, 0)
  if (header.text('format') !== locationsFormat) throw header.error(`the format is "${header.text('format')}"`)
  if (header.text('version') !== versionId) throw header.error(`they are of version ${header.text('version')}`)
  const rows = new Set(firstRows(table).values())
  const packs: PackLocations[] = []
  for (const { text, offset } of lines) {
    const line = new LineReader(what, text, offset)
    const packId = line.text('pack')
    if (!isId(packId)) throw line.error(`"${packId}" is no pack id`)
    packs.push({ packId, chunks: line.list('chunks').map((chunk) => decodeLocation(line, chunk, table, rows)) })
  }
  const [missing] = rows
  if (missing !== undefined) throw new DecodeError(what, `row ${missing} of the chunk table has no place`)
  return packs
}

/** First row of each distinct chunk. */
function firstRows(table: ChunkTable): Map<string, number> {
  const rows = new Map<string, number>()
  for (let row = 0; row < table.count; row++) {
    const key = chunkKey(table.ids.subarray(row * 32, row * 32 + 32))
    if (!rows.has(key)) rows.set(key, row)
  }
  return rows
}

function decodeLocation(line: LineReader, chunk: unknown, table: ChunkTable, wanted: Set<number>): RowLocation {
  if (!Array.isArray(chunk) || chunk.length !== 4 || !chunk.every(Number.isSafeInteger)) {
    throw line.error('a chunk is not four whole numbers')
  }
  const [row, offset, storedBytes, encoding] = chunk as [number, number, number, number]
  if (!wanted.delete(row)) throw line.error(`row ${row} has two places, or is none of the table`)
  const sizeBytes = table.sizes[row]!
  if (offset < 0 || storedBytes < 1 || storedBytes > Math.min(sizeBytes, maxChunkBytes)) {
    throw line.error(`row ${row} cannot lie in ${storedBytes} bytes at ${offset}`)
  }
  if (encoding === 0 ? storedBytes !== sizeBytes : encoding !== 1) {
    throw line.error(`row ${row} of ${sizeBytes} bytes has encoding ${encoding} and ${storedBytes} stored bytes`)
  }
  return { row, offset, storedBytes, encoding: encoding === 1 ? 'zstd' : 'raw' }
}
