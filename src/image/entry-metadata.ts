import { chmodSync, chownSync, fchmodSync, fchownSync, lchownSync, lstatSync } from 'node:fs'
import { writeFileTimes, writePathTimes } from '../linux/file-times.ts'
import { listXattrs, removeXattr, writeXattr } from '../linux/xattr.ts'
import { decodeFileName, encodeFileName, fileSystemPath } from './file-name.ts'
import type { Entry, Metadata } from './tree.ts'

/*
 * The order matters: a change of owner clears setuid and file capabilities, a change of mode rewrites an ACL's mask, and
 * all of them touch nothing of the modification time, which is last.
 */

/** Where all of a tree's files go. The path of the tree may be any text, and never ends in a slash. */
export function pathBelow(directory: string, path: string): string | Buffer {
  return fileSystemPath(path === '' ? directory : `${directory}/${path}`)
}

/** Of an open regular file, once its content is written. */
export function applyFileMetadata(fd: number, path: string | Buffer, metadata: Metadata): void {
  if (!isOwn(metadata)) fchownSync(fd, metadata.uid, metadata.gid)
  fchmodSync(fd, metadata.mode)
  applyXattrs(path, metadata)
  writeFileTimes(fd, metadata.mtimeSeconds, metadata.mtimeNanoseconds)
}

/** Of anything else, by path; the last name is never followed. */
export function applyPathMetadata(path: string | Buffer, entry: Entry): void {
  if (!isOwn(entry)) {
    if (entry.type === 'directory') chownSync(path, entry.uid, entry.gid)
    else lchownSync(path, entry.uid, entry.gid)
  }
  if (entry.type !== 'symlink') chmodSync(path, entry.mode)
  applyXattrs(path, entry)
  writePathTimes(path, entry.mtimeSeconds, entry.mtimeNanoseconds)
}

/** Of what was there before, with metadata of its own: what the new ones do not say is taken away. */
export function replacePathMetadata(path: string | Buffer, entry: Entry): void {
  const wanted = new Set(entry.xattrs.map(({ name }) => name))
  for (const name of listXattrs(path)) if (!wanted.has(decodeFileName(name))) removeXattr(path, name)
  const { uid, gid } = lstatSync(path)
  if (uid !== entry.uid || gid !== entry.gid) lchownSync(path, process.geteuid!(), process.getegid!())
  applyPathMetadata(path, entry)
}

/** A new file is ours already: one call less for nearly all files of a system. */
function isOwn({ uid, gid }: Metadata): boolean {
  return uid === process.geteuid?.() && gid === process.getegid?.()
}

function applyXattrs(path: string | Buffer, { xattrs }: Metadata): void {
  for (const { name, value } of xattrs) {
    writeXattr(path, name.isWellFormed() ? name : encodeFileName(name)!, value)
  }
}
