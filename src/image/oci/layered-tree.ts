import type { Metadata } from '../tree.ts'
import { type DirectoryNode, type MemberNode, PathRefused, TreeBuilder } from '../tree-builder.ts'

const whiteoutPrefix = '.wh.'
const opaqueMarker = '.wh..wh..opq'
/** Names of AUFS itself (.wh..wh.plnk, .wh..wh.aufs …), which old layers carry and nothing shows. */
const reservedPrefix = '.wh..wh.'
const maxSymlinks = 40 // the kernel's own limit

/**
 * A tree that layers are added to in order (image-spec 1.1, layer.md, "Applying Changesets"): a whiteout hides what
 * earlier layers put there, never what its own layer does, in whatever order the two stand. As in the container
 * runtimes, a symlink on the way to a path is followed, within the tree.
 */
export class LayeredTree {
  readonly builder = new TreeBuilder()
  /** Names that the present layer put into each directory. */
  #written = new Map<DirectoryNode, Set<string>>()

  beginLayer(): void {
    this.#written = new Map()
  }

  /** Throws PathRefused, as the others do. */
  addDirectory(path: string, metadata: Metadata): void {
    if (isReserved(path)) return
    const real = this.#resolve(path)
    this.builder.addDirectory(real, metadata)
    this.#markWritten(real)
  }

  addMember(path: string, node: MemberNode): void {
    if (isReserved(path)) return
    const real = this.#resolve(path)
    const { parent, name } = this.#locate(real)
    if (name.startsWith(whiteoutPrefix)) {
      if (parent) this.#hide(parent, name)
      return
    }
    if (parent) this.#removeDirectoryBelow(parent, name)
    this.builder.addMember(real, node)
    this.#markWritten(real)
  }

  findMember(path: string): MemberNode | undefined {
    return this.builder.findMember(this.#resolve(path))
  }

  #hide(parent: DirectoryNode, marker: string): void {
    if (marker === opaqueMarker) {
      this.#removeEarlier(parent)
    } else {
      const name = marker.slice(whiteoutPrefix.length)
      const child = parent.children.get(name)
      if (!this.#written.get(parent)?.has(name)) parent.children.delete(name)
      else if (child?.type === 'directory') this.#removeEarlier(child)
    }
  }

  /** What earlier layers put into the directory, at any depth. */
  #removeEarlier(directory: DirectoryNode): void {
    const waiting = [directory]
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const written = this.#written.get(next)
      for (const [name, child] of next.children) {
        if (!written?.has(name)) next.children.delete(name)
        else if (child.type === 'directory') waiting.push(child)
      }
    }
  }

  /** So that something else can take the place of an earlier layer's directory. */
  #removeDirectoryBelow(parent: DirectoryNode, name: string): void {
    const child = parent.children.get(name)
    if (child?.type !== 'directory') return
    this.#removeEarlier(child)
    if (child.children.size === 0) parent.children.delete(name)
  }

  #markWritten(real: string): void {
    let directory = this.builder.root
    for (const name of real.split('/')) {
      const written = this.#written.get(directory)
      if (written) written.add(name)
      else this.#written.set(directory, new Set([name]))
      const child = directory.children.get(name)
      if (child?.type !== 'directory') return
      directory = child
    }
  }

  /** The directory that a resolved path's last name is in, where it is there already. */
  #locate(real: string): { parent: DirectoryNode | undefined; name: string } {
    const names = real.split('/')
    const name = names.pop()!
    let parent: DirectoryNode | undefined = this.builder.root
    for (const above of names) {
      const child: DirectoryNode['children'] extends Map<string, infer Node> ? Node | undefined : never =
        parent.children.get(above)
      if (child?.type !== 'directory') return { parent: undefined, name }
      parent = child
    }
    return { parent, name }
  }

  /** The path with all symlinks followed but the last name's. A `..` that is not a symlink's stays, to be refused. */
  #resolve(path: string): string {
    const waiting = path.split('/').reverse()
    const real: { name: string; directory: DirectoryNode }[] = []
    let followed = 0
    while (waiting.length > 1) {
      const name = waiting.pop()!
      const directory = real.at(-1)?.directory ?? this.builder.root
      const child = directory.children.get(name)
      if (child?.type === 'directory') {
        real.push({ name, directory: child })
      } else if (child?.type === 'symlink') {
        if (++followed > maxSymlinks) throw new PathRefused(path, 'too many symlinks are on its way')
        if (child.target.startsWith('/')) real.length = 0
        waiting.push(...child.target.split('/').reverse().filter(isStep))
      } else if (name === '..' && followed > 0) {
        real.pop()
      } else {
        return [...real.map((step) => step.name), name, ...waiting.reverse()].join('/')
      }
    }
    return [...real.map((step) => step.name), ...waiting].join('/')
  }
}

function isReserved(path: string): boolean {
  return (
    path.includes(reservedPrefix) &&
    path.split('/').some((name) => name.startsWith(reservedPrefix) && name !== opaqueMarker)
  )
}

function isStep(part: string): boolean {
  return part !== '' && part !== '.'
}
