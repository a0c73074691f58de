import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { makeSpecialFile } from '../../linux/mknod.ts'
import { removeXattr } from '../../linux/xattr.ts'
import { applyFileMetadata, applyPathMetadata, pathBelow } from '../entry-metadata.ts'
import { encodeFileName } from '../file-name.ts'
import { chunkBytes, type Entry, type FileEntry, type TreeEntry } from '../tree.ts'
import { type ChangedEntry, compareTrees, type TreeChanges } from './tree-changes.ts'
import type { TreeContents } from './tree-contents.ts'

const { O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
const blockBytes = 4096

export type SyncOptions = {
  onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Makes the tree `want` out of what is under a directory, which is the tree `have` exactly, and nobody else's. What does
 * not change is not touched, so that its blocks and inodes stay where they are. Needs root, for owners and devices.
 */
export async function syncTree(
  directory: string,
  have: TreeContents,
  want: TreeContents,
  options: SyncOptions = {},
): Promise<void> {
  const sync = new TreeSync(directory, want, await compareTrees(have, want), options)
  sync.openDirectories(have)
  sync.remove('replaced')
  await sync.addEntries()
  await sync.changeEntries()
  sync.remove('removed')
  sync.finish(have)
}

class TreeSync {
  readonly #directory: string
  readonly #want: TreeContents
  readonly #changes: TreeChanges
  readonly #options: SyncOptions
  readonly #firstPaths: string[] = []
  readonly #bytesTotal: number
  #bytesDone = 0

  constructor(directory: string, want: TreeContents, changes: TreeChanges, options: SyncOptions) {
    this.#directory = directory
    this.#want = want
    this.#changes = changes
    this.#options = options
    for (const { type, path, group } of groupsOf(want)) if (type !== 'link') this.#firstPaths[group] = path
    const files = [...changes.added, ...changes.changed.map(({ after }) => after)].filter(
      (entry) => entry.type === 'file',
    )
    this.#bytesTotal = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /** What is made in a directory must not inherit its group or its default ACL. finish() puts them back. */
  openDirectories(have: TreeContents): void {
    for (const entry of have.tree.entries) {
      if (entry.type !== 'directory' || !this.#changes.touched.has(entry.path)) continue
      const path = this.#at(entry.path)
      chownSync(path, process.geteuid!(), process.getegid!())
      chmodSync(path, 0o700)
      for (const { name } of entry.xattrs) if (name.startsWith('system.posix_acl_')) removeXattr(path, name)
    }
  }

  /** From the end, so that a directory comes behind what is in it. */
  remove(which: 'replaced' | 'removed'): void {
    for (const entry of this.#changes[which].toReversed()) {
      if (entry.type === 'directory') rmdirSync(this.#at(entry.path))
      else unlinkSync(this.#at(entry.path))
    }
  }

  async addEntries(): Promise<void> {
    const isLink = (entry: TreeEntry) => entry.type === 'link'
    for (const entry of this.#changes.added) {
      this.#options.signal?.throwIfAborted()
      if (entry.type === 'file') await this.#addFile(entry)
      else if (entry.type === 'directory') mkdirSync(this.#at(entry.path), { mode: 0o700 })
      else if (entry.type !== 'link') this.#addSpecial(entry)
    }
    for (const entry of this.#changes.added.filter(isLink)) {
      linkSync(this.#at(this.#firstPaths[entry.type === 'link' ? entry.group : 0]!), this.#at(entry.path))
    }
  }

  async changeEntries(): Promise<void> {
    for (const change of this.#changes.changed) {
      this.#options.signal?.throwIfAborted()
      const { before, after } = change
      if (after.type === 'directory') continue
      this.#strip(before, after)
      if (!change.hasOtherContent) applyPathMetadata(this.#at(after.path), after)
      else if (after.type === 'file' && before.type === 'file') await this.#changeFile(before, after)
      else this.#replaceSpecial(change)
    }
  }

  /** Directories last, because everything made in one changes its time; from the leaves up, because a mode may shut us out. */
  finish(have: TreeContents): void {
    const changed = new Map(this.#changes.changed.map((change) => [change.after.path, change]))
    const added = new Set(this.#changes.added.map(({ path }) => path))
    const known = new Map(have.tree.entries.map((entry) => [entry.path, entry]))
    for (const entry of this.#want.tree.entries.toReversed()) {
      if (entry.type !== 'directory') continue
      const isTouched = this.#changes.touched.has(entry.path)
      if (!changed.has(entry.path) && !added.has(entry.path) && !isTouched) continue
      const before = known.get(entry.path)
      if (before?.type === 'directory' && !added.has(entry.path)) this.#strip(before, entry, isTouched)
      applyPathMetadata(this.#at(entry.path), entry)
    }
  }

  async #addFile(file: FileEntry): Promise<void> {
    const path = this.#at(file.path)
    const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await this.#writeContent(fd, file)
      applyFileMetadata(fd, path, file)
    } finally {
      closeSync(fd)
    }
  }

  /** A small file gets new blocks, which lie together with those of others; a large one keeps the blocks that stay equal. */
  async #changeFile(before: FileEntry, after: FileEntry): Promise<void> {
    const path = this.#at(after.path)
    const keepsBlocks = after.sizeBytes > chunkBytes && before.holes.length + after.holes.length === 0
    const fd = openSync(path, (keepsBlocks ? O_RDWR : O_WRONLY) | O_NOFOLLOW)
    try {
      if (keepsBlocks) await this.#overwrite(fd, after)
      else {
        ftruncateSync(fd, 0)
        await this.#writeContent(fd, after)
      }
      applyFileMetadata(fd, path, after)
    } finally {
      closeSync(fd)
    }
  }

  async #writeContent(fd: number, file: FileEntry): Promise<void> {
    if (file.sizeBytes <= chunkBytes) {
      writeFully(fd, await this.#want.readSmall(file), 0)
    } else {
      ftruncateSync(fd, file.sizeBytes)
      for await (const { offset, bytes } of this.#want.readBlocks(file)) writeFully(fd, bytes, offset)
    }
    this.#progress(file.sizeBytes)
  }

  async #overwrite(fd: number, file: FileEntry): Promise<void> {
    const old = Buffer.allocUnsafe(chunkBytes)
    for await (const { offset, bytes } of this.#want.readBlocks(file)) {
      const there = readSync(fd, old, 0, bytes.length, offset)
      for (let at = 0; at < bytes.length; at += blockBytes) {
        const block = bytes.subarray(at, at + blockBytes)
        const isSame = at + block.length <= there && block.equals(old.subarray(at, at + block.length))
        if (!isSame) writeFully(fd, block, offset + at)
      }
    }
    ftruncateSync(fd, file.sizeBytes)
    this.#progress(file.sizeBytes)
  }

  #addSpecial(entry: Exclude<Entry, { type: 'file' | 'directory' }>): void {
    const path = this.#at(entry.path)
    if (entry.type === 'symlink') symlinkSync(encodeFileName(entry.target)!, path)
    else if (entry.type === 'fifo') makeSpecialFile(path, { kind: 'fifo', mode: 0o600 })
    else makeSpecialFile(path, { kind: entry.type, mode: 0o600, major: entry.major, minor: entry.minor })
    applyPathMetadata(path, entry)
  }

  /** A symlink or device cannot be changed: made anew, and its other names with it. */
  #replaceSpecial({ after }: ChangedEntry): void {
    if (after.type === 'file' || after.type === 'directory') return
    const names = [after.path]
    for (const { type, path, group } of groupsOf(this.#want))
      if (type === 'link' && group === after.group) names.push(path)
    for (const name of names) {
      unlinkSync(this.#at(name))
      this.#changes.touched.add(name.slice(0, Math.max(0, name.lastIndexOf('/'))))
    }
    this.#addSpecial(after)
    for (const name of names.slice(1)) linkSync(this.#at(after.path), this.#at(name))
  }

  /**
   * Takes away what setting the new metadata would leave: attributes that are no more (before the owner, because a change
   * of owner and a write take some away by themselves), and an owner who is not us.
   */
  #strip(before: Entry, after: Entry, areAclsGone = false): void {
    const path = this.#at(after.path)
    for (const { name } of before.xattrs) {
      const isGone = areAclsGone && name.startsWith('system.posix_acl_')
      if (!isGone && !after.xattrs.some((xattr) => xattr.name === name)) removeXattr(path, encodeFileName(name)!)
    }
    if (before.uid !== after.uid || before.gid !== after.gid) lchownSync(path, process.geteuid!(), process.getegid!())
  }

  #progress(bytes: number): void {
    this.#bytesDone += bytes
    this.#options.onProgress?.(this.#bytesDone, this.#bytesTotal)
  }

  #at(path: string): string | Buffer {
    return pathBelow(this.#directory, path)
  }
}

function groupsOf({ tree }: TreeContents): { type: TreeEntry['type']; path: string; group: number }[] {
  return tree.entries.flatMap((entry) =>
    entry.type === 'directory' || entry.group === undefined
      ? []
      : [{ type: entry.type, path: entry.path, group: entry.group }],
  )
}

function writeFully(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
}
