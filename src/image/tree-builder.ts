import { fileNameByteLength } from './file-name.ts'
import { nameRefusal } from './path-order.ts'
import type { LargeContent, SmallContent } from './source-content.ts'
import { type Metadata, maxPathBytes } from './tree.ts'

/** What a source holds under one or more names; several names of one node are hard links. */
export type MemberNode = Metadata &
  (
    | { type: 'file'; content: SmallContent | LargeContent | undefined }
    | { type: 'symlink'; target: string }
    | { type: 'fifo' }
    | { type: 'character-device' | 'block-device'; major: number; minor: number }
  )
export type DirectoryNode = { type: 'directory'; metadata: Metadata; children: Map<string, Node> }
export type Node = MemberNode | DirectoryNode

/** A directory that a source does not describe, but puts something into. */
const undescribed: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

/** A path that cannot stand in a tree; `reason` completes "PATH: …". */
export class PathRefused extends Error {
  override readonly name = 'PathRefused'
  readonly path: string
  readonly reason: string

  constructor(path: string, reason: string) {
    super(`${JSON.stringify(path.toWellFormed())}: ${reason}`)
    this.path = path
    this.reason = reason
  }
}

/** Collects what a source holds, in any order; a later description of a path replaces the earlier one. */
export class TreeBuilder {
  readonly root: DirectoryNode = { type: 'directory', metadata: undescribed, children: new Map() }

  /** `path` has no leading or trailing slash; the root is the empty path. Throws PathRefused. */
  addDirectory(path: string, metadata: Metadata): void {
    if (path === '') {
      this.root.metadata = metadata
      return
    }
    const { parent, name } = this.#locate(path)
    const existing = parent.children.get(name)
    if (existing?.type === 'directory') existing.metadata = metadata
    else parent.children.set(name, { type: 'directory', metadata, children: new Map() })
  }

  /** Removes what is in a directory, which something else is mounted on. Throws PathRefused. */
  emptyDirectory(path: string): void {
    const { parent, name } = this.#locate(path)
    directoryBelow(parent, name, path).children.clear()
  }

  /** Throws PathRefused. */
  addMember(path: string, node: MemberNode): void {
    const { parent, name } = this.#locate(path)
    const existing = parent.children.get(name)
    if (existing?.type === 'directory' && existing.children.size > 0) {
      throw new PathRefused(path, `a ${node.type} cannot replace a directory with something in it`)
    }
    parent.children.set(name, node)
  }

  /** The member under a path that a hard link names; undefined where there is none. */
  findMember(path: string): MemberNode | undefined {
    let node: Node = this.root
    for (const name of path.split('/')) {
      const next: Node | undefined = node.type === 'directory' ? node.children.get(name) : undefined
      if (!next) return undefined
      node = next
    }
    return node.type === 'directory' ? undefined : node
  }

  #locate(path: string): { parent: DirectoryNode; name: string } {
    if (!(fileNameByteLength(path) <= maxPathBytes)) throw new PathRefused(path, `it is over ${maxPathBytes} bytes`)
    const names = path.split('/')
    for (const name of names) {
      const refusal = nameRefusal(name)
      if (refusal !== undefined) throw new PathRefused(path, refusal)
    }
    const name = names.pop()!
    let parent = this.root
    for (const above of names) parent = directoryBelow(parent, above, path)
    return { parent, name }
  }
}

function directoryBelow(parent: DirectoryNode, name: string, path: string): DirectoryNode {
  const child = parent.children.get(name)
  if (child?.type === 'directory') return child
  if (child) throw new PathRefused(path, `"${name}" on its way is a ${child.type}, not a directory`)
  const made: DirectoryNode = { type: 'directory', metadata: undescribed, children: new Map() }
  parent.children.set(name, made)
  return made
}
