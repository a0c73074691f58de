import { DecodeError } from '../../bytes/decode-error.ts'
import { LineReader, readLines } from '../line-reader.ts'
import { isId } from '../repository-layout.ts'
import type { BlockHeader } from './block-manifest-encode.ts'
import { blocksFormat } from './block-manifest-encode.ts'
import { type BlockMap, fullMask, maxMapBytes, rowBytesOf, rowCountOf } from './block-map.ts'
import { isRenditionName } from './rendition-name.ts'

const what = 'block manifest'
const minChunkLineBytes = 77

/** Reads a block manifest that may be hostile: after this every row is described exactly once. Throws DecodeError. */
export function decodeBlockManifest(bytes: Buffer): { header: BlockHeader; blocks: BlockMap } {
  const lines = readLines(what, bytes)
  const first = lines.next()
  if (first.done) throw new DecodeError(what, 'it is empty')
  const line = new LineReader(what, first.value.text, 0)
  const header = readHeader(line)
  const sizeBytes = line.integer('sizeBytes', 1, maxMapBytes)
  const rows = new RowReader(sizeBytes, line.integer('chunks', 0, Math.floor(bytes.length / minChunkLineBytes)))
  for (const { text, offset } of lines) rows.add(new LineReader(what, text, offset))
  return { header, blocks: rows.finish() }
}

function readHeader(line: LineReader): BlockHeader {
  if (line.text('format') !== blocksFormat) {
    throw line.error(`its format is "${line.text('format')}", this program reads ${blocksFormat}`)
  }
  const [version, rendition] = [line.text('version'), line.text('rendition')]
  if (!isId(version)) throw line.error('"version" is no version id')
  if (!isRenditionName(rendition)) throw line.error(`"${rendition}" is the name of no rendition`)
  if (!line.has('parent')) return { version, rendition }
  const parent = line.text('parent')
  if (!isId(parent)) throw line.error('"parent" is no version id')
  return { version, rendition, parent }
}

class RowReader {
  readonly #sizeBytes: number
  readonly #used: BigUint64Array
  readonly #chunkOfRow: Int32Array
  readonly #ids: Buffer
  readonly #sizes: Uint32Array
  #row = 0
  #chunks = 0

  constructor(sizeBytes: number, chunkCount: number) {
    const rows = rowCountOf(sizeBytes)
    if (chunkCount > rows) throw new DecodeError(what, `it says ${chunkCount} chunks, it has only ${rows} rows`, 0)
    this.#sizeBytes = sizeBytes
    this.#used = new BigUint64Array(rows)
    this.#chunkOfRow = new Int32Array(rows).fill(-1)
    this.#ids = Buffer.alloc(chunkCount * 32)
    this.#sizes = new Uint32Array(chunkCount)
  }

  add(line: LineReader): void {
    const left = this.#used.length - this.#row
    if (left === 0) throw line.error('a row stands behind the end')
    if (line.has('free')) this.#row += line.integer('free', 1, left)
    else if (line.has('zero')) this.#addZeros(line, line.integer('zero', 1, left))
    else this.#addChunk(line)
  }

  finish(): BlockMap {
    if (this.#row !== this.#used.length) {
      throw new DecodeError(what, `it describes ${this.#row} of ${this.#used.length} rows`)
    }
    if (this.#chunks !== this.#sizes.length) {
      throw new DecodeError(what, `its header says ${this.#sizes.length} chunks, it has ${this.#chunks}`)
    }
    const chunks = { count: this.#chunks, ids: this.#ids, sizes: this.#sizes }
    return { sizeBytes: this.#sizeBytes, used: this.#used, chunkOfRow: this.#chunkOfRow, chunks }
  }

  #addZeros(line: LineReader, count: number): void {
    if (line.has('used') && count !== 1) throw line.error('"used" stands with several rows')
    for (let end = this.#row + count; this.#row < end; this.#row++) this.#used[this.#row] = this.#readMask(line)
  }

  #addChunk(line: LineReader): void {
    const id = line.text('chunk')
    if (!isId(id)) throw line.error('"chunk" is not 64 hexadecimal digits')
    if (this.#chunks === this.#sizes.length) throw line.error('there are more chunks than the header says')
    this.#ids.write(id, this.#chunks * 32, 'hex')
    this.#sizes[this.#chunks] = rowBytesOf(this.#sizeBytes, this.#row)
    this.#chunkOfRow[this.#row] = this.#chunks++
    this.#used[this.#row] = this.#readMask(line)
    this.#row++
  }

  #readMask(line: LineReader): bigint {
    const full = fullMask(this.#sizeBytes, this.#row)
    if (!line.has('used')) return full
    const text = line.text('used')
    if (!/^[0-9a-f]{16}$/.test(text)) throw line.error('"used" is not 16 hexadecimal digits')
    const mask = BigInt(`0x${text}`)
    if (mask === 0n || mask === full || (mask & ~full) !== 0n)
      throw line.error('"used" names no, all or foreign blocks')
    return mask
  }
}
