import { closeSync, constants, openSync, symlinkSync, writeSync } from 'node:fs'
import { applyFileMetadata, applyPathMetadata, pathBelow } from '../image/entry-metadata.ts'
import { encodeFileName } from '../image/file-name.ts'
import { chunkBytes, type Entry, type FileEntry } from '../image/tree.ts'
import { answerJobs } from '../image/worker-jobs.ts'
import { makeSpecialFile } from '../linux/mknod.ts'
import { type InvalidChunk, type PackedRow, unpackChunk } from './unpack-chunk.ts'
import type { Piece } from './write-tree-plan.ts'

/*
 * Writes a tree: decompresses and checks chunks and puts their pieces into files with the synchronous calls, which take a
 * sixth of the time of fs.promises for the small files a system is made of. Directories and large files are there
 * already, of ours alone: nothing on the way of a path is a symlink.
 */

export type WriteChunk = PackedRow & { pieces: Piece[] }
/** `memory` holds the bytes of a pack from `start` on; it moves to the thread and back. */
export type WriteJob = { directory: string } & (
  | { kind: 'chunks'; memory: ArrayBuffer; start: number; chunks: WriteChunk[] }
  | { kind: 'members'; entries: Entry[] }
  | { kind: 'large-files'; entries: FileEntry[] }
)
export type WriteReply = { bytesWritten: number; invalid: InvalidChunk[]; memory?: ArrayBuffer }

const scratch = new Uint8Array(chunkBytes)
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants

answerJobs<WriteJob, WriteReply>((job) => {
  switch (job.kind) {
    case 'chunks':
      return { reply: writeChunks(job), transfer: [job.memory] }
    case 'members':
      for (const entry of job.entries) named(entry.path, () => makeMember(job.directory, entry))
      break
    case 'large-files':
      for (const entry of job.entries) named(entry.path, () => finishLargeFile(job.directory, entry))
  }
  return { reply: { bytesWritten: 0, invalid: [] } }
})

function writeChunks({ directory, memory, start, chunks }: WriteJob & { kind: 'chunks' }): WriteReply {
  const reply = { bytesWritten: 0, invalid: [] as InvalidChunk[], memory }
  for (const chunk of chunks) {
    const content = unpackChunk(new Uint8Array(memory, chunk.offset - start, chunk.storedBytes), chunk, scratch)
    if (!(content instanceof Uint8Array)) {
      reply.invalid.push({ row: chunk.row, ...content })
      continue
    }
    for (const piece of chunk.pieces) {
      named(piece.path, () => writePiece(directory, content, piece))
      reply.bytesWritten += piece.sizeBytes
    }
  }
  return reply
}

function writePiece(directory: string, content: Uint8Array, { path, at, fileOffset, sizeBytes, small }: Piece): void {
  const full = pathBelow(directory, path)
  const fd = openSync(full, small ? O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW : O_WRONLY | O_NOFOLLOW, 0o600)
  try {
    for (let done = 0; done < sizeBytes; ) {
      done += writeSync(fd, content, at + done, sizeBytes - done, small ? null : fileOffset + done)
    }
    if (small) applyFileMetadata(fd, full, small)
  } finally {
    closeSync(fd)
  }
}

/** What has no content: links, devices, FIFOs and empty files. */
function makeMember(directory: string, entry: Entry): void {
  const full = pathBelow(directory, entry.path)
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
}

function finishLargeFile(directory: string, entry: FileEntry): void {
  const full = pathBelow(directory, entry.path)
  const fd = openSync(full, O_WRONLY | O_NOFOLLOW)
  try {
    applyFileMetadata(fd, full, entry)
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
