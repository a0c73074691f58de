import { chunkIdOfRow } from '../tree.ts'
import { type BlockMap, fullMask } from './block-map.ts'

export const blocksFormat = 'bootwright-blocks-1'

/** What is known of a rendition beside its bytes. */
export type BlockHeader = {
  /** The version of which this is a rendition. */
  version: string
  /** rendition-name.ts. */
  rendition: string
  /** The version onto whose blocks, or against whose subvolume, this one was made. */
  parent?: string | undefined
}

const linesAtOnce = 1000

/**
 * Bytes of a block manifest: newline-delimited JSON, one header line, then the rows of the map in order. `{"free":N}`
 * are N rows nobody cares about, `{"zero":N}` N rows of zeros, `{"chunk":ID}` one row of data. Where only some blocks of
 * a row matter, `"used"` has them as 16 hexadecimal digits, the first block in the lowest bit.
 */
export function encodeBlockManifest(header: BlockHeader, map: BlockMap): Buffer {
  const { version, rendition, parent } = header
  const parts: Buffer[] = []
  let lines = [
    JSON.stringify({
      format: blocksFormat,
      version,
      rendition,
      ...(parent !== undefined && { parent }),
      sizeBytes: map.sizeBytes,
      chunks: map.chunks.count,
    }),
  ]
  for (const line of rowLines(map)) {
    lines.push(JSON.stringify(line))
    if (lines.length < linesAtOnce) continue
    parts.push(Buffer.from(`${lines.join('\n')}\n`))
    lines = []
  }
  if (lines.length > 0) parts.push(Buffer.from(`${lines.join('\n')}\n`))
  return Buffer.concat(parts)
}

function* rowLines(map: BlockMap): Generator<object> {
  for (let row = 0; row < map.used.length; ) {
    const kind = runKind(map, row)
    if (kind === undefined) {
      yield partialLine(map, row++)
      continue
    }
    let end = row + 1
    while (end < map.used.length && runKind(map, end) === kind) end++
    yield { [kind]: end - row }
    row = end
  }
}

/** Rows of which a number is all there is to say. */
function runKind(map: BlockMap, row: number): 'free' | 'zero' | undefined {
  if (map.used[row] === 0n) return 'free'
  return map.chunkOfRow[row]! < 0 && map.used[row] === fullMask(map.sizeBytes, row) ? 'zero' : undefined
}

function partialLine(map: BlockMap, row: number): object {
  const used = map.used[row]!
  const mask = used === fullMask(map.sizeBytes, row) ? {} : { used: used.toString(16).padStart(16, '0') }
  const chunk = map.chunkOfRow[row]!
  return chunk < 0 ? { zero: 1, ...mask } : { chunk: chunkIdOfRow(map.chunks, chunk), ...mask }
}
