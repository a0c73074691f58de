import { hash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { decodeDelta } from '../image/deltas/delta-codec.ts'
import { applyFileMetadata, applyPathMetadata, pathBelow, replacePathMetadata } from '../image/entry-metadata.ts'
import { encodeFileName } from '../image/file-name.ts'
import { chunkBytes, type Entry, type FileEntry } from '../image/tree.ts'
import { answerJobs } from '../image/worker-jobs.ts'
import { makeSpecialFile } from '../linux/mknod.ts'
import type { OldBasis } from './old-version.ts'
import type { LargeFile, Placed } from './tree-work.ts'
import { type InvalidChunk, type PackedRow, unpackChunk } from './unpack-chunk.ts'
import type { Piece } from './write-tree-plan.ts'

/*
 * Writes a tree: decompresses and checks chunks and puts their pieces into files with the synchronous calls, which take a
 * sixth of the time of fs.promises for the small files a system is made of. Directories and large files are there
 * before all else, of ours alone: nothing on the way of a path is a symlink.
 */

/** With `basis` it is made from what is on the disk (old-version.ts). */
export type WriteChunk = PackedRow & { pieces: Piece[]; basis?: OldBasis }
/** `memory` holds the bytes of a pack from `start` on; it moves to the thread and back. */
export type WriteJob = { directory: string } & (
  | { kind: 'places'; directories: string[]; largeFiles: LargePlace[] }
  | { kind: 'chunks'; memory: ArrayBuffer; start: number; chunks: WriteChunk[] }
  | { kind: 'members'; members: Placed<Entry>[] }
  | { kind: 'copies'; copies: Placed<FileEntry>[] }
  | { kind: 'large-files'; files: LargeFile[] }
  | { kind: 'metadata'; entries: Entry[] }
)
/** Of a large file, under the name that it has until it is whole. */
export type LargePlace = { path: string; sizeBytes: number }
export type WriteReply = { bytesWritten: number; bytesReused: number; invalid: InvalidChunk[]; memory?: ArrayBuffer }

const scratch = new Uint8Array(chunkBytes)
const old = Buffer.alloc(chunkBytes)
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants

answerJobs<WriteJob, WriteReply>((job) => {
  const { directory } = job
  switch (job.kind) {
    case 'chunks':
      return { reply: writeChunks(job), transfer: [job.memory] }
    case 'places':
      for (const path of job.directories) named(path, () => mkdirSync(pathBelow(directory, path), { mode: 0o700 }))
      for (const place of job.largeFiles) named(place.path, () => makeLargePlace(directory, place))
      break
    case 'members':
      for (const placed of job.members) named(placed.entry.path, () => makeMember(directory, placed))
      break
    case 'copies':
      for (const placed of job.copies) named(placed.entry.path, () => copyFile(directory, placed))
      break
    case 'large-files':
      for (const file of job.files) named(file.entry.path, () => finishLargeFile(directory, file))
      break
    case 'metadata':
      for (const entry of job.entries) {
        named(entry.path, () => replacePathMetadata(pathBelow(directory, entry.path), entry))
      }
  }
  return { reply: { bytesWritten: 0, bytesReused: 0, invalid: [] } }
})

/** At its size, so that its blocks can come in any order; what no block is written to stays a hole. */
function makeLargePlace(directory: string, { path, sizeBytes }: LargePlace): void {
  const fd = openSync(pathBelow(directory, path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    ftruncateSync(fd, sizeBytes)
  } finally {
    closeSync(fd)
  }
}

function writeChunks({ directory, memory, start, chunks }: WriteJob & { kind: 'chunks' }): WriteReply {
  const reply = { bytesWritten: 0, bytesReused: 0, invalid: [] as InvalidChunk[], memory }
  for (const chunk of chunks) {
    const stored = new Uint8Array(memory, chunk.offset - start, chunk.storedBytes)
    const content = chunk.basis
      ? makeFromOld(directory, stored, chunk, chunk.basis)
      : unpackChunk(stored, chunk, scratch)
    if (!(content instanceof Uint8Array)) {
      reply.invalid.push({ row: chunk.row, ...content })
      continue
    }
    for (const piece of chunk.pieces) {
      named(piece.path, () => {
        const isThere = piece.mayBeThere && isAsOnDisk(directory, content, piece)
        if (!isThere) writePiece(directory, content, piece)
        reply[isThere ? 'bytesReused' : 'bytesWritten'] += piece.sizeBytes
      })
    }
  }
  return reply
}

/** The files may have changed since, or be gone: then it is no such chunk. */
function makeFromOld(
  directory: string,
  stored: Uint8Array,
  { id, sizeBytes }: WriteChunk,
  { kind, stretches }: OldBasis,
): Uint8Array | { actual: string } {
  try {
    const parts = stretches.map(({ path, offset, sizeBytes: length }) => {
      const part = Buffer.allocUnsafe(length)
      return part.subarray(0, readFully(pathBelow(directory, path), offset, part))
    })
    const base = Buffer.concat(parts)
    const content = kind === 'copy' ? base : decodeDelta(Buffer.from(stored), base, sizeBytes)
    const actual = hash('sha256', content, 'buffer')
    return content.length === sizeBytes && actual.equals(id) ? content : { actual: actual.toString('hex') }
  } catch (error) {
    return { actual: `nothing: ${(error as Error).message}` }
  }
}

function isAsOnDisk(directory: string, content: Uint8Array, { path, at, sizeBytes }: Piece): boolean {
  const there = readFully(pathBelow(directory, path), 0, old.subarray(0, sizeBytes))
  return there === sizeBytes && old.subarray(0, sizeBytes).equals(content.subarray(at, at + sizeBytes))
}

function writePiece(directory: string, content: Uint8Array, piece: Piece): void {
  const { path, aside, at, fileOffset, sizeBytes, small } = piece
  const full = pathBelow(directory, aside ?? path)
  const fd = openSync(full, small ? O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW : O_WRONLY | O_NOFOLLOW, 0o600)
  try {
    for (let done = 0; done < sizeBytes; ) {
      done += writeSync(fd, content, at + done, sizeBytes - done, small ? null : fileOffset + done)
    }
    if (small) applyFileMetadata(fd, full, small)
  } finally {
    closeSync(fd)
  }
  if (small && aside !== undefined) renameSync(full, pathBelow(directory, path))
}

/** What has no content: links, devices, FIFOs and empty files. */
function makeMember(directory: string, { entry, aside }: Placed<Entry>): void {
  const full = pathBelow(directory, aside ?? entry.path)
  switch (entry.type) {
    case 'symlink':
      symlinkSync(entry.target.isWellFormed() ? entry.target : encodeFileName(entry.target)!, full)
      break
    case 'file':
      closeSync(openSync(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
      break
    case 'fifo':
      makeSpecialFile(full, { kind: 'fifo', mode: 0o600 })
      break
    case 'directory':
      throw new TypeError('a directory is not made here')
    default:
      makeSpecialFile(full, { kind: entry.type, mode: 0o600, major: entry.major, minor: entry.minor })
  }
  applyPathMetadata(full, entry)
  if (aside !== undefined) renameSync(full, pathBelow(directory, entry.path))
}

/** A file with the right bytes that must be another: it is longer, or has names that it should not have. */
function copyFile(directory: string, { entry, aside }: Placed<FileEntry>): void {
  const { path, sizeBytes } = entry
  readFully(pathBelow(directory, path), 0, old.subarray(0, sizeBytes))
  writePiece(directory, old, { path, at: 0, fileOffset: 0, sizeBytes, small: entry, ...(aside && { aside }) })
}

function finishLargeFile(directory: string, { entry, aside, kept }: LargeFile): void {
  const full = pathBelow(directory, aside ?? entry.path)
  const fd = openSync(full, O_WRONLY | O_NOFOLLOW)
  try {
    for (const { fileOffset, sizeBytes } of kept) {
      readFully(pathBelow(directory, entry.path), fileOffset, old.subarray(0, sizeBytes))
      for (let done = 0; done < sizeBytes; ) {
        done += writeSync(fd, old, done, sizeBytes - done, fileOffset + done)
      }
    }
    applyFileMetadata(fd, full, entry)
  } finally {
    closeSync(fd)
  }
  if (aside !== undefined) renameSync(full, pathBelow(directory, entry.path))
}

/** Gives how many bytes there were. */
function readFully(full: string | Buffer, offset: number, target: Buffer): number {
  const fd = openSync(full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    if (!fstatSync(fd).isFile()) return 0 // a FIFO may stand where a file was
    let done = 0
    while (done < target.length) {
      const bytesRead = readSync(fd, target, done, target.length - done, offset + done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return done
  } finally {
    closeSync(fd)
  }
}

/** Errors of write() and its like do not say which file it was. */
function named(path: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    const { message, code } = cause as NodeJS.ErrnoException
    throw Object.assign(new Error(`Cannot write ${path.toWellFormed()}: ${message}`, { cause }), { code })
  }
}
