import { hash } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs'
import { pathBelow } from '../image/entry-metadata.ts'
import { decodeFileName } from '../image/file-name.ts'
import { chunkBytes, type Entry, type FileEntry, type HoleRun, type TreeEntry } from '../image/tree.ts'
import { answerJobs } from '../image/worker-jobs.ts'
import { deviceNumber } from '../linux/mknod.ts'
import { dropCachedFile } from '../linux/page-cache.ts'
import { nextDataExtent } from '../linux/sparse.ts'
import { listXattrs, readXattr } from '../linux/xattr.ts'
import type { Piece } from './write-tree-plan.ts'

/** A row of the chunk table, and where its bytes are now. */
export type VerifyChunk = { row: number; id: Uint8Array; sizeBytes: number; pieces: Piece[] }
/**
 * An entry: of what is no directory how many hard links it has, of a link the first path of its group, of a directory
 * the names in it.
 */
export type VerifyEntry = { at: number; entry: TreeEntry; linkCount: number; firstPath?: string; names?: string[] }
export type VerifyJob = { directory: string } & (
  | { kind: 'chunks'; chunks: VerifyChunk[] }
  | { kind: 'entries'; entries: VerifyEntry[] }
)
/**
 * `row`: of the chunk table, its bytes differ · `entry`: it is not there, or something else is · `links`: it has other
 * names than it should · `metadata` · `missing`: a name in a directory · `extra`: a path that is not in the tree. `at` is
 * the number of the row, or of the entry: of the directory for the last two.
 */
export type TreeDifference = { kind: DifferenceKind; at: number; path: string; text: string }
type DifferenceKind = 'row' | 'entry' | 'links' | 'metadata' | 'missing' | 'extra'
export type VerifyReply = { bytesRead: number; differences: TreeDifference[] }

const { O_RDONLY, O_NOFOLLOW, O_NOATIME, O_NONBLOCK } = constants
const buffer = Buffer.alloc(chunkBytes)

answerJobs<VerifyJob, VerifyReply>((job) => {
  const reply: VerifyReply = { bytesRead: 0, differences: [] }
  if (job.kind === 'chunks') {
    const reader = new PieceReader(job.directory)
    for (const chunk of job.chunks) compareChunk(reader, chunk, reply)
    reader.close()
  } else {
    for (const each of job.entries) {
      const { at, entry } = each
      compareSafely({ kind: 'entry', at, path: entry.path }, reply, () =>
        reply.differences.push(...compareEntry(job.directory, each)),
      )
    }
  }
  return { reply }
})

/** Reads pieces from the disk; keeps the last file open, because a large file's blocks come one after the other. */
class PieceReader {
  readonly #directory: string
  #path: string | undefined
  #fd = -1

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Fills `target`; gives how many bytes there were. */
  read({ path, fileOffset }: Piece, target: Buffer): number {
    if (this.#path !== path) {
      this.close()
      // Where a tree has drifted a FIFO may stand, which would be waited for.
      this.#fd = openSync(pathBelow(this.#directory, path), O_RDONLY | O_NOFOLLOW | O_NOATIME | O_NONBLOCK)
      this.#path = path
      if (!fstatSync(this.#fd).isFile()) throw new Error('it is no file')
      dropCachedFile(this.#fd)
    }
    let done = 0
    while (done < target.length) {
      const bytesRead = readSync(this.#fd, target, done, target.length - done, fileOffset + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  }

  close(): void {
    if (this.#path !== undefined) closeSync(this.#fd)
    this.#path = undefined
  }
}

function compareChunk(reader: PieceReader, chunk: VerifyChunk, reply: VerifyReply): void {
  const { row, id, sizeBytes, pieces } = chunk
  const path = pieces.length === 1 ? pieces[0]!.path : `one of ${pieces.map((piece) => piece.path).join(', ')}`
  const differing = { kind: 'row', at: row, path } as const
  compareSafely(differing, reply, () => {
    for (const piece of pieces) {
      const bytesRead = reader.read(piece, buffer.subarray(piece.at, piece.at + piece.sizeBytes))
      reply.bytesRead += bytesRead
      if (bytesRead < piece.sizeBytes) throw new Error(`${piece.path.toWellFormed()} is shorter than it should be`)
    }
    if (!hash('sha256', buffer.subarray(0, sizeBytes), 'buffer').equals(id)) throw new Error('the content differs')
  })
}

/** A file that is not there, or cannot be read back, is a difference like any other. */
function compareSafely(difference: Omit<TreeDifference, 'text'>, reply: VerifyReply, compare: () => void): void {
  try {
    compare()
  } catch (error) {
    const text = `${difference.path.toWellFormed()}: ${(error as Error).message}`
    reply.differences.push({ ...difference, text })
  }
}

function* compareEntry(directory: string, verified: VerifyEntry): Generator<TreeDifference> {
  const { at, entry, firstPath, names, linkCount } = verified
  const { path } = entry
  const differs = (kind: DifferenceKind, what: string): TreeDifference => {
    return { kind, at, path, text: `${path.toWellFormed() || '/'}: ${what}` }
  }
  const full = pathBelow(directory, path)
  const stats = lstatSync(full, { bigint: true })
  if (entry.type === 'link') {
    const first = lstatSync(pathBelow(directory, firstPath!), { bigint: true })
    if (first.ino !== stats.ino) yield differs('links', `it is no hard link to ${firstPath!.toWellFormed()}`)
    return
  }
  const actualType = typeOf(stats)
  if (actualType !== entry.type) {
    yield differs('entry', `it is a ${actualType}, not a ${entry.type}`)
    return
  }
  for (const [kind, what, actual, expected] of comparisons(entry, stats, full)) {
    if (actual !== expected) yield differs(kind, `${what} is ${actual}, not ${expected}`)
  }
  if (entry.type !== 'directory' && stats.nlink !== BigInt(linkCount)) {
    yield differs('links', `it has ${stats.nlink} hard links, not ${linkCount}`)
  }
  if (entry.type === 'file' && entry.holes.length > 0 && !areZeros(full, entry)) {
    yield differs('entry', 'a hole is not zeros')
  }
  if (names) yield* compareNames(full, { at, path, names })
}

type Comparison = ['entry' | 'metadata', what: string, actual: unknown, expected: unknown]

function* comparisons(entry: Entry, stats: BigIntStats, full: string | Buffer): Generator<Comparison> {
  if (entry.type !== 'symlink') {
    yield ['metadata', 'mode', (Number(stats.mode) & 0o7777).toString(8), entry.mode.toString(8)]
  }
  yield ['metadata', 'owner', `${stats.uid}:${stats.gid}`, `${entry.uid}:${entry.gid}`]
  const mtimeNs = BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds)
  yield ['metadata', 'modification time (ns)', stats.mtimeNs, mtimeNs]
  if (entry.type === 'file') yield ['entry', 'size', stats.size, BigInt(entry.sizeBytes)]
  if (entry.type === 'symlink')
    yield ['entry', 'target', decodeFileName(readlinkSync(full, { encoding: 'buffer' })), entry.target]
  if ('major' in entry) yield ['entry', 'device', stats.rdev, deviceNumber(entry.major, entry.minor)]
  const names = listXattrs(full)
  const xattrs = names.map((name) => `${decodeFileName(name)}=${readXattr(full, name).toString('base64')}`).sort()
  const expected = entry.xattrs.map(({ name, value }) => `${name}=${Buffer.from(value).toString('base64')}`).sort()
  yield ['metadata', 'attributes', xattrs.join(' '), expected.join(' ')]
}

function* compareNames(
  full: string | Buffer,
  directory: { at: number; path: string; names: string[] },
): Generator<TreeDifference> {
  const { at, path } = directory
  const expected = new Set(directory.names)
  const differs = (kind: DifferenceKind, name: string, what: string): TreeDifference => {
    const below = path === '' ? name : `${path}/${name}`
    return { kind, at, path: below, text: `${below.toWellFormed()}: ${what}` }
  }
  const actual = readdirSync(full, { encoding: 'buffer' }).map(decodeFileName)
  for (const name of actual) {
    const isOfFilesystem = path === '' && name === 'lost+found'
    if (!expected.delete(name) && !isOfFilesystem) yield differs('extra', name, 'it should not be there')
  }
  for (const name of expected) yield differs('missing', name, 'it is missing')
}

function typeOf(stats: BigIntStats): Entry['type'] | 'socket' {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'character-device'
  return stats.isBlockDevice() ? 'block-device' : 'socket'
}

/** Reads only what the filesystem says is data: a hole of a terabyte takes no time. */
function areZeros(full: string | Buffer, entry: FileEntry): boolean {
  const fd = openSync(full, O_RDONLY | O_NOFOLLOW | O_NOATIME)
  try {
    return entry.holes.every((hole) => isHoleZero(fd, hole, entry.sizeBytes))
  } finally {
    closeSync(fd)
  }
}

function isHoleZero(fd: number, [block, count]: HoleRun, sizeBytes: number): boolean {
  const end = Math.min(sizeBytes, (block + count) * chunkBytes)
  for (let at = block * chunkBytes; at < end; ) {
    const extent = nextDataExtent(fd, at)
    if (!extent || extent.start >= end) return true
    for (at = extent.start; at < Math.min(extent.end, end); ) {
      const bytesRead = readSync(fd, buffer, 0, Math.min(buffer.length, Math.min(extent.end, end) - at), at)
      if (bytesRead === 0 || buffer.subarray(0, bytesRead).some((byte) => byte !== 0)) return false
      at += bytesRead
    }
  }
  return true
}
