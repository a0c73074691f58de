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
export type OpenedFile = OpenFile | { kind: 'missing'; reason: string }

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
export async function openTreeFile(tree: BootTree, wirePath: string): Promise<OpenedFile> {
  const lookup = lookUp(tree, wirePath)
  if (lookup.kind === 'missing') return lookup
  return openInsideRoot(lookup.file, lookup.root, lookup.path)
}

/**
 * Opens first and then asks the kernel where the opened file really is, so that no link can be exchanged in between.
 * Throws FileUnreadable.
 */
export async function openInsideRoot(file: string, root: string, path = file): Promise<OpenedFile> {
  let handle: FileHandle | undefined
  try {
    // Without O_NONBLOCK a FIFO in the tree would hold a thread until somebody writes to it.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const [stat, realFile, realRoot] = await Promise.all([
      handle.stat(),
      readlink(`/proc/self/fd/${handle.fd}`),
      realpath(root),
    ])
    if (stat.isFile() && (realFile === realRoot || realFile.startsWith(`${realRoot}/`))) {
      return { kind: 'file', path, handle, sizeBytes: stat.size, modifiedMs: stat.mtimeMs, inode: stat.ino }
    }
    await handle.close()
    return { kind: 'missing', reason: stat.isFile() ? 'the file lies outside its root' : 'it is not a file' }
  } catch (error) {
    await handle?.close()
    if (absenceCodes.has((error as NodeJS.ErrnoException).code ?? '')) {
      return { kind: 'missing', reason: 'no such file' }
    }
    throw new FileUnreadable(file, error)
  }
}
