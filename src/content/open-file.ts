import { constants } from 'node:fs'
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises'
import { type BootTree, lookUp } from '../boot/tree.ts'

/** A regular file, opened for reading and proved to lie inside its root. The caller closes the handle. */
export type OpenFile = {
  kind: 'file'
  /** Normal form of the path that was asked for. */
  path: string
  handle: FileHandle
  sizeBytes: number
  modifiedMs: number
  inode: number
}
export type OpenedFile =
  | OpenFile
  | { kind: 'missing'; reason: string }
  /** A link leads out of the root. `reason` names files of this machine: it is for the log, not for the wire. */
  | { kind: 'outside'; reason: string }

/** A file is there and cannot be read: a fault of ours, never "no such file". */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(`Cannot read ${file}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    this.file = file
  }
}

const absenceCodes = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])

/** Finds a path from the wire in the virtual tree and opens it. Throws FileUnreadable. */
export async function openTreeFile(tree: BootTree, wirePath: string): Promise<OpenedFile & { isImmutable?: boolean }> {
  const lookup = lookUp(tree, wirePath)
  if (lookup.kind === 'missing') return lookup
  let missing: OpenedFile = { kind: 'missing', reason: 'no such file' }
  for (const { file, roots, isImmutable } of lookup.places) {
    const opened = await openInsideRoot(file, roots, lookup.path)
    if (opened.kind === 'file') return { ...opened, isImmutable }
    if (opened.kind === 'outside') return opened
    missing = opened
  }
  return missing
}

/** Whether the tree has a file for that path. Throws FileUnreadable. */
export async function isServed(tree: BootTree, path: string): Promise<boolean> {
  const opened = await openTreeFile(tree, path)
  if (opened.kind === 'file') await opened.handle.close()
  return opened.kind === 'file'
}

/**
 * Opens first and then asks the kernel where the opened file really is, so that no link can be exchanged in between.
 * Throws FileUnreadable.
 */
export async function openInsideRoot(file: string, roots: readonly string[], path = file): Promise<OpenedFile> {
  let handle: FileHandle | undefined
  try {
    // Without O_NONBLOCK a FIFO in the tree would hold a thread until somebody writes to it.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const [stat, realFile] = await Promise.all([handle.stat(), readlink(`/proc/self/fd/${handle.fd}`)])
    const isInside = await isBelow(realFile, roots)
    if (stat.isFile() && isInside) {
      return { kind: 'file', path, handle, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, inode: stat.ino }
    }
    await handle.close()
    if (isInside) return { kind: 'missing', reason: 'it is not a file' }
    return { kind: 'outside', reason: `${file} leads to ${realFile}, which is not below ${roots.join(' or ')}` }
  } catch (error) {
    await handle?.close()
    if (isAbsence(error)) return { kind: 'missing', reason: 'no such file' }
    throw new FileUnreadable(file, error)
  }
}

/** Whether a real path is one of the roots or below one. */
export async function isBelow(realFile: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    const realRoot = await realpath(root).catch((error) => {
      if (isAbsence(error)) return undefined
      throw error
    })
    if (realRoot !== undefined && (realFile === realRoot || realFile.startsWith(`${realRoot}/`))) return true
  }
  return false
}

export function isAbsence(error: unknown): boolean {
  return absenceCodes.has((error as NodeJS.ErrnoException).code ?? '')
}
