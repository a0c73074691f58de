import { createReadStream, createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * One member of an archive. `path` has no slash at the start. `size` of a `file` is what `source` holds when the
 * archive is written; all belong to root and carry the same time, so that equal inputs make equal bytes.
 */
export type ArchiveEntry =
  | { kind: 'file'; path: string; mode: number; source: string; sizeBytes: number }
  | { kind: 'bytes'; path: string; mode: number; bytes: Uint8Array }
  | { kind: 'directory'; path: string; mode: number }
  | { kind: 'symlink'; path: string; target: string }
  | { kind: 'device'; path: string; mode: number; major: number; minor: number }

const fileTypes = { file: 0o100000, bytes: 0o100000, directory: 0o040000, symlink: 0o120000, device: 0o020000 } as const

/** Adds the directories above the entries, sorts by path (so that a directory precedes what is in it), drops repeats. */
export function completeEntries(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const byPath = new Map<string, ArchiveEntry>()
  for (const entry of entries) {
    const parts = entry.path.split('/')
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/')
      if (!byPath.has(path)) byPath.set(path, { kind: 'directory', path, mode: 0o755 })
    }
    byPath.set(entry.path, entry)
  }
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

/** Writes a `newc` archive (the kernel's Documentation/driver-api/early-userspace/buffer-format) and ends the stream. */
export function writeArchive(entries: readonly ArchiveEntry[], output: Writable): Promise<void> {
  return pipeline(archiveOf(entries), output)
}

/** Writes an archive that is not compressed to a file. */
export function writeArchiveFile(entries: readonly ArchiveEntry[], path: string): Promise<void> {
  return writeArchive(entries, createWriteStream(path))
}

async function* archiveOf(entries: readonly ArchiveEntry[]): AsyncGenerator<Uint8Array> {
  let inode = 0
  for (const entry of completeEntries(entries)) {
    inode += 1
    const body = bodyOf(entry)
    const sizeBytes = entry.kind === 'file' ? entry.sizeBytes : body.length
    yield header(entry, inode, sizeBytes)
    if (entry.kind === 'file') yield* contentOf(entry.source, sizeBytes)
    else yield body
    yield padding(sizeBytes)
  }
  yield header({ kind: 'bytes', path: 'TRAILER!!!', mode: 0, bytes: new Uint8Array() }, 0, 0)
}

function bodyOf(entry: ArchiveEntry): Uint8Array {
  if (entry.kind === 'bytes') return entry.bytes
  return entry.kind === 'symlink' ? Buffer.from(entry.target) : new Uint8Array()
}

function header(entry: ArchiveEntry, inode: number, sizeBytes: number): Uint8Array {
  const mode = fileTypes[entry.kind] | (entry.kind === 'symlink' ? 0o777 : entry.mode)
  const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0]
  const nlink = entry.kind === 'directory' ? 2 : 1
  const name = Buffer.from(`${entry.path}\0`)
  const fields = [inode, mode, 0, 0, nlink, 0, sizeBytes, 0, 0, major, minor, name.length, 0]
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return Buffer.concat([Buffer.from(text), name, padding(text.length + name.length)])
}

/** Zeros up to the next multiple of four. */
function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3)
}

async function* contentOf(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let copied = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    copied += chunk.length
    yield chunk
  }
  if (copied !== sizeBytes) {
    throw new Error(`Cannot pack ${path}: it changed from ${sizeBytes} to ${copied} bytes while it was read`)
  }
}
