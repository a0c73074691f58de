import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../bytes/decode-error.ts'
import { ContentOrder } from './content-order.ts'
import { encodeFileName, fileNameByteLength } from './file-name.ts'
import { LineReader, readLines } from './line-reader.ts'
import { treeFormat } from './manifest-encode.ts'
import { PathOrder } from './path-order.ts'
import {
  chunkBytes,
  type Entry,
  type HoleRun,
  type Metadata,
  maxLinkTargetBytes,
  type Tree,
  type TreeEntry,
  type Xattr,
} from './tree.ts'

const what = 'tree manifest'
const maxId = 0xffff_fffe // (uid_t) -1 means "leave it as it is" to chown
const minChunkLineBytes = 80

/**
 * Reads a manifest that may be hostile: every entry lies in a directory declared before it, under a plain name, once;
 * so no path can leave the tree or go through a symlink. Throws DecodeError, with the offset of the line.
 */
export function decodeManifest(bytes: Buffer): Tree {
  if (!isUtf8(bytes)) throw new DecodeError(what, 'it is not UTF-8')
  const lines = readLines(what, bytes)
  const first = lines.next()
  if (first.done) throw new DecodeError(what, 'it is empty')
  const header = new LineReader(what, first.value.text, first.value.offset)
  if (header.text('format') !== treeFormat) {
    throw header.error(`its format is "${header.text('format')}", this program reads ${treeFormat}`)
  }
  const counts = {
    entries: header.integer('entries', 1, bytes.length),
    chunks: header.integer('chunks', 0, Math.floor(bytes.length / minChunkLineBytes)),
    sizeBytes: header.integer('sizeBytes', 0, Number.MAX_SAFE_INTEGER),
  }
  const body = new ManifestBody(counts.chunks)
  for (const { text, offset } of lines) body.add(new LineReader(what, text, offset))
  return body.finish(counts)
}

class ManifestBody {
  readonly #entries: TreeEntry[] = []
  readonly #ids: Buffer
  readonly #sizes: Uint32Array
  readonly #paths = new PathOrder()
  readonly #contents: ContentOrder
  #rows = 0
  #groups = 0
  #sizeBytes = 0

  constructor(chunkCount: number) {
    this.#ids = Buffer.alloc(chunkCount * 32)
    this.#sizes = new Uint32Array(chunkCount)
    this.#contents = new ContentOrder(chunkCount)
  }

  add(line: LineReader): void {
    if (line.has('chunk')) this.#addChunk(line)
    else if (this.#rows > 0) throw line.error('an entry stands behind the chunk table')
    else if (line.has('directory')) this.#addDirectory(line)
    else this.#addMember(line)
  }

  finish(counts: { entries: number; chunks: number; sizeBytes: number }): Tree {
    const found = { entries: this.#entries.length, chunks: this.#rows, sizeBytes: this.#sizeBytes }
    for (const key of ['entries', 'chunks', 'sizeBytes'] as const) {
      if (found[key] === counts[key]) continue
      throw new DecodeError(what, `its header says ${key} ${counts[key]}, it has ${found[key]}`)
    }
    const chunks = { count: this.#rows, ids: this.#ids, sizes: this.#sizes }
    const wrong = this.#contents.firstWrongRow(chunks)
    if (wrong !== undefined) throw new DecodeError(what, `row ${wrong} of the chunk table is not what its files fill`)
    return { entries: this.#entries, chunks, sizeBytes: this.#sizeBytes }
  }

  #addChunk(line: LineReader): void {
    const id = line.text('chunk')
    if (!/^[0-9a-f]{64}$/.test(id)) throw line.error('"chunk" is not 64 hexadecimal digits')
    if (this.#rows === this.#sizes.length) throw line.error('there are more chunks than the header says')
    this.#ids.write(id, this.#rows * 32, 'hex')
    this.#sizes[this.#rows] = line.integer('size', 1, chunkBytes)
    this.#rows++
  }

  #addDirectory(line: LineReader): void {
    const path = line.text('directory')
    const refusal = this.#paths.enterDirectory(path)
    if (refusal !== undefined) throw line.error(refusal)
    this.#contents.endDirectory()
    this.#entries.push({ type: 'directory', path, ...readMetadata(line) })
  }

  #addMember(line: LineReader): void {
    const located = this.#paths.addMember(line.text('name'))
    if (located.kind === 'refused') throw line.error(located.reason)
    const { path } = located
    const type = line.text('type')
    if (type === 'link') {
      this.#entries.push({ type, path, group: line.integer('group', 0, this.#groups - 1) })
      return
    }
    const entry = this.#readMember(line, path, type)
    if (line.has('group')) {
      entry.group = line.integer('group', this.#groups, this.#groups)
      this.#groups++
    }
    this.#entries.push(entry)
  }

  #readMember(line: LineReader, path: string, type: string): Exclude<Entry, { type: 'directory' }> {
    const metadata = readMetadata(line)
    switch (type) {
      case 'file':
        return { type, path, ...metadata, ...this.#readContent(line) }
      case 'symlink':
        return { type, path, ...metadata, target: readTarget(line) }
      case 'fifo':
        return { type, path, ...metadata }
      case 'character-device':
      case 'block-device':
        return { type, path, ...metadata, ...readDevice(line) }
      default:
        throw line.error(`its type "${type}" is not known`)
    }
  }

  #readContent(line: LineReader) {
    const content = {
      sizeBytes: line.integer('size', 0, Number.MAX_SAFE_INTEGER),
      row: line.integer('row', 0, this.#sizes.length, 0),
      at: line.integer('at', 0, chunkBytes, 0),
      holes: line.pairs('holes') as HoleRun[],
    }
    const placed = this.#contents.place(content)
    if (placed.kind === 'refused') throw line.error(placed.reason)
    this.#sizeBytes += placed.dataBytes
    return content
  }
}

function readMetadata(line: LineReader): Metadata {
  const mode = line.text('mode')
  if (!/^[0-7]{4}$/.test(mode)) throw line.error('"mode" is not four octal digits')
  return {
    mode: Number.parseInt(mode, 8),
    uid: line.integer('uid', 0, maxId, 0),
    gid: line.integer('gid', 0, maxId, 0),
    mtimeSeconds: line.integer('mtime', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    mtimeNanoseconds: line.integer('nanoseconds', 0, 999_999_999, 0),
    xattrs: line.has('xattrs') ? readXattrs(line) : noXattrs,
  }
}

const noXattrs: readonly Xattr[] = []

function readXattrs(line: LineReader): Xattr[] {
  let last = ''
  return line.list('xattrs').map((pair) => {
    const [name, value] = Array.isArray(pair) ? pair : []
    if (typeof name !== 'string' || typeof value !== 'string') throw line.error('"xattrs" is not a list of pairs')
    if (name <= last || name.includes('\0') || encodeFileName(name) === undefined || fileNameByteLength(name) > 255) {
      throw line.error('the names of "xattrs" are not sorted names of at most 255 bytes')
    }
    last = name
    const bytes = Buffer.from(value, 'base64')
    if (bytes.length > 65536) throw line.error(`the attribute ${name} has more than 64 KiB`)
    return { name, value: Buffer.from(Uint8Array.from(bytes).buffer) } // memory of its own: it may travel to a thread
  })
}

function readTarget(line: LineReader): string {
  const target = line.text('target')
  if (target === '' || target.includes('\0') || !(fileNameByteLength(target) <= maxLinkTargetBytes)) {
    throw line.error(`"target" is no link target of 1 to ${maxLinkTargetBytes} bytes`)
  }
  return target
}

function readDevice(line: LineReader): { major: number; minor: number } {
  const [major, minor] = line.list('device')
  for (const number of [major, minor]) {
    if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > 0xffff_ffff) {
      throw line.error('"device" is not a pair of device numbers')
    }
  }
  return { major: major as number, minor: minor as number }
}
