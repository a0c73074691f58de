import type { ChunkWriter } from './chunk-writer.ts'
import type { SmallContent } from './source-content.ts'
import { chunkBytes, type Tree, type TreeEntry } from './tree.ts'
import type { DirectoryNode, MemberNode, Node } from './tree-builder.ts'

/**
 * Brings a source's nodes into canonical order, bundles the small files of each directory, gives the bundles to the
 * chunk writer and finishes it: the tree that comes back has all its chunk ids.
 */
export async function layOutTree(root: DirectoryNode, chunks: ChunkWriter): Promise<Tree> {
  const layout = new TreeLayout(chunks)
  for (const { path, directory } of directoriesOf(root)) await layout.addDirectory(path, directory)
  await chunks.finish()
  return layout.tree()
}

/** Each directory, then those in it by name, in the same way; without recursion, because a source may be deep. */
function* directoriesOf(root: DirectoryNode): Generator<{ path: string; directory: DirectoryNode }> {
  const waiting = [{ path: '', directory: root }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    yield next
    const { path, directory } = next
    const below = sortedChildren(directory).filter(([, node]) => node.type === 'directory') as [string, DirectoryNode][]
    for (const [name, child] of below.reverse()) waiting.push({ path: joinPath(path, name), directory: child })
  }
}

function sortedChildren(directory: DirectoryNode): [string, Node][] {
  return [...directory.children].sort(([a], [b]) => (a < b ? -1 : 1))
}

function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

type Row = { sizeBytes: number; id: Uint8Array | undefined }
type Bundle = { row: Row; number: number; contents: SmallContent[] }

class TreeLayout {
  readonly #chunks: ChunkWriter
  readonly #entries: TreeEntry[] = []
  readonly #rows: Row[] = []
  /** Group number of each node that has several names, once its first name was met. */
  readonly #groups = new Map<MemberNode, number>()
  readonly #met = new Map<MemberNode, TreeEntry>()
  #sizeBytes = 0

  constructor(chunks: ChunkWriter) {
    this.#chunks = chunks
  }

  async addDirectory(path: string, directory: DirectoryNode): Promise<void> {
    this.#entries.push({ type: 'directory', path, ...directory.metadata })
    const bundles: Bundle[] = []
    for (const [name, node] of sortedChildren(directory)) {
      if (node.type !== 'directory') this.#addMember(joinPath(path, name), node, bundles)
    }
    for (const bundle of bundles) await this.#writeBundle(bundle)
  }

  tree(): Tree {
    const count = this.#rows.length
    const ids = Buffer.alloc(count * 32)
    const sizes = new Uint32Array(count)
    for (const [at, { id, sizeBytes }] of this.#rows.entries()) {
      ids.set(id!, at * 32)
      sizes[at] = sizeBytes
    }
    return { entries: this.#numberGroups(), chunks: { count, ids, sizes }, sizeBytes: this.#sizeBytes }
  }

  #addMember(path: string, node: MemberNode, bundles: Bundle[]): void {
    const first = this.#met.get(node)
    if (first) {
      this.#groups.set(node, 0)
      this.#entries.push({ type: 'link', path, group: this.#linksTo.push(node) - 1 })
      return
    }
    const entry = node.type === 'file' ? this.#fileEntry(path, node, bundles) : { path, ...node }
    this.#met.set(node, entry)
    this.#entries.push(entry)
  }

  /** Node of each link entry, by the provisional number it stands under until groups are numbered. */
  readonly #linksTo: MemberNode[] = []

  /** A group's number is its place among the first members in tree order, which is only known when all were met. */
  #numberGroups(): TreeEntry[] {
    let next = 0
    for (const [node, entry] of this.#met) {
      if (!this.#groups.has(node) || entry.type === 'directory') continue
      this.#groups.set(node, next)
      entry.group = next++
    }
    for (const entry of this.#entries) {
      if (entry.type === 'link') entry.group = this.#groups.get(this.#linksTo[entry.group]!)!
    }
    return this.#entries
  }

  #fileEntry(path: string, node: MemberNode & { type: 'file' }, bundles: Bundle[]): TreeEntry {
    const { content, ...metadata } = node
    if (!content) return { path, ...metadata, sizeBytes: 0, row: 0, at: 0, holes: [] }
    const { sizeBytes } = content
    if (content.kind === 'large') {
      const row = this.#rows.length
      const dataBytes = this.#addLargeRows(content.ids, sizeBytes, content.holes)
      this.#sizeBytes += dataBytes
      return { path, ...metadata, sizeBytes, row, at: 0, holes: content.holes }
    }
    this.#sizeBytes += sizeBytes
    let bundle = bundles.at(-1)
    if (!bundle || bundle.row.sizeBytes + sizeBytes > chunkBytes) {
      const row = { sizeBytes: 0, id: undefined }
      bundle = { row, number: this.#rows.push(row) - 1, contents: [] }
      bundles.push(bundle)
    }
    const at = bundle.row.sizeBytes
    bundle.row.sizeBytes += sizeBytes
    bundle.contents.push(content)
    return { path, ...metadata, sizeBytes, row: bundle.number, at, holes: [] }
  }

  #addLargeRows(ids: readonly Uint8Array[], sizeBytes: number, holes: readonly (readonly [number, number])[]): number {
    const blocks = Math.ceil(sizeBytes / chunkBytes)
    const tailIsHole = holes.some(([block, count]) => block + count === blocks)
    const tailBytes = sizeBytes - (blocks - 1) * chunkBytes
    let dataBytes = 0
    ids.forEach((_, at) => {
      const rowBytes = at === ids.length - 1 && !tailIsHole ? tailBytes : chunkBytes
      dataBytes += rowBytes
      // The id itself is read when the tree is made: the chunk may still be in a worker.
      this.#rows.push({
        sizeBytes: rowBytes,
        get id() {
          return ids[at]
        },
      })
    })
    return dataBytes
  }

  async #writeBundle({ row, contents }: Bundle): Promise<void> {
    const bytes = this.#chunks.takeBlock().subarray(0, row.sizeBytes)
    let at = 0
    const reads = contents.map((content) => {
      const target = bytes.subarray(at, at + content.sizeBytes)
      at += content.sizeBytes
      return content.read(target)
    })
    await Promise.all(reads)
    await this.#chunks.add(bytes, (id) => {
      row.id = id
    })
  }
}
