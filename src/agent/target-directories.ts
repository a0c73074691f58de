import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { applyPathMetadata, pathBelow, replacePathMetadata } from '../image/entry-metadata.ts'
import type { Tree } from '../image/tree.ts'
import { listXattrs, removeXattr } from '../linux/xattr.ts'

/**
 * The directories of a tree while it is written. One in which something is made is opened first: for us alone, and
 * passing neither its group nor an ACL on to what is made in it; the end gives them back what the tree says.
 */
export class TargetDirectories {
  readonly #tree: Tree
  readonly #directory: string
  readonly #touched = new Set<string>()
  /** They have no metadata of their own that would have to go. */
  readonly #made = new Set<string>()

  constructor(tree: Tree, directory: string) {
    this.#tree = tree
    this.#directory = directory
  }

  /** What is in the target already, but for what the filesystem itself puts there. */
  listThere(): string[] {
    return readdirSync(this.#directory).filter((name) => name !== 'lost+found')
  }

  /**
   * Makes those that are missing. After this nothing on the way of any path of the tree is a symlink: what stands in a
   * directory's place is removed.
   */
  makeAll(): void {
    for (const entry of this.#tree.entries) {
      if (entry.type !== 'directory') continue
      const full = pathBelow(this.#directory, entry.path)
      const stats = lstatSync(full, { throwIfNoEntry: false })
      if (stats?.isDirectory()) continue
      this.openParent(entry.path)
      if (stats) unlinkSync(full)
      mkdirSync(full, { mode: 0o700 })
      this.#made.add(entry.path)
    }
  }

  /** Where none is yet: who makes them makes them for us alone, and all of them get their metadata at the end. */
  openAnew(): void {
    this.open('')
    for (const { type, path } of this.#tree.entries) if (type === 'directory' && path !== '') this.#made.add(path)
  }

  openParent(path: string): void {
    this.open(directoryOf(path))
  }

  open(path: string): void {
    if (this.#touched.has(path) || this.#made.has(path)) return
    this.#touched.add(path)
    const full = pathBelow(this.#directory, path)
    chownSync(full, process.geteuid!(), process.getegid!())
    chmodSync(full, 0o700) // a set-group-ID bit would pass its group on
    for (const name of listXattrs(full)) {
      if (name.toString('latin1').startsWith('system.posix_acl_')) removeXattr(full, name)
    }
  }

  /** Is to get its metadata at the end, though nothing is made in it. */
  touch(path: string): void {
    this.#touched.add(path)
  }

  /** Last, because everything made in a directory changes its time; from the leaves up, because a mode may shut us out. */
  finish(): void {
    for (const entry of this.#tree.entries.toReversed()) {
      if (entry.type !== 'directory') continue
      const full = pathBelow(this.#directory, entry.path)
      if (this.#made.has(entry.path)) applyPathMetadata(full, entry)
      else if (this.#touched.has(entry.path)) replacePathMetadata(full, entry)
    }
  }
}

export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
