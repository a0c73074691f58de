import { DecodeError } from '../bytes/decode-error.ts'
import { type ByteSource, SourceTruncated } from './byte-source.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import type { ContentSpool } from './content-spool.ts'
import { ImageSourceInvalid } from './image-source.ts'
import { type LargeContent, LargeFileCutter, type SmallContent } from './source-content.ts'
import { tarMetadata } from './tar-metadata.ts'
import { type TarMember, TarReader } from './tar-reader.ts'
import { chunkBytes } from './tree.ts'
import { type MemberNode, PathRefused, type TreeBuilder } from './tree-builder.ts'

export type TarTreeParts = {
  /** What messages call the tar. */
  name: string
  source: ByteSource
  /** Keeps small files until their directories are complete. */
  spool: ContentSpool
  chunks: ChunkWriter
  /** What the members are added to; it may see more in a name than a tree does. */
  target: Pick<TreeBuilder, 'addDirectory' | 'addMember' | 'findMember'>
  signal: AbortSignal | undefined
  /** Called every now and then, and at the end. */
  onEntries: (entries: number) => void
}

/** Adds a tar's members to a tree. */
export class TarTreeReader {
  readonly #parts: TarTreeParts
  readonly #reader: TarReader
  #member: TarMember | undefined

  constructor(parts: TarTreeParts) {
    this.#parts = parts
    this.#reader = new TarReader(parts.source)
  }

  /** Gives the number of members. Throws ImageSourceInvalid, which names byte and member. */
  async run(): Promise<number> {
    try {
      return await this.#addAll()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  async #addAll(): Promise<number> {
    let entries = 0
    for (;;) {
      this.#parts.signal?.throwIfAborted()
      const member = await this.#reader.next()
      if (!member) break
      this.#member = member
      await this.#add(member)
      if (++entries % 256 === 0) this.#parts.onEntries(entries)
    }
    this.#parts.onEntries(entries)
    return entries
  }

  #explain(error: unknown): unknown {
    const { name, source } = this.#parts
    const within = this.#member && `behind or in ${JSON.stringify(this.#member.name.toWellFormed())}`
    const where = `byte ${source.position} of the tar${within ? `, ${within}` : ''}`
    if (error instanceof SourceTruncated) {
      return new ImageSourceInvalid(name, where, 'it ends before the archive does: the file is truncated', {
        cause: error,
      })
    }
    if (error instanceof DecodeError || error instanceof PathRefused) {
      return new ImageSourceInvalid(name, where, error.message, { cause: error })
    }
    return error
  }

  async #add(member: TarMember): Promise<void> {
    const { target } = this.#parts
    const path = memberPath(member.name)
    const { typeflag } = member.header
    if (typeflag === '5' || (isRegular(typeflag) && member.name.endsWith('/'))) {
      target.addDirectory(path, tarMetadata(member))
      return
    }
    if (path === '') throw new PathRefused(member.name, 'it names the root, and is no directory')
    target.addMember(path, typeflag === '1' ? this.#linkedNode(member) : await this.#node(member))
  }

  #linkedNode(member: TarMember): MemberNode {
    const node = this.#parts.target.findMember(memberPath(member.linkName))
    if (node) return node
    throw new PathRefused(
      member.name,
      `it is a hard link to ${JSON.stringify(member.linkName)}, which does not stand before it`,
    )
  }

  async #node(member: TarMember): Promise<MemberNode> {
    const metadata = tarMetadata(member)
    const { typeflag, devmajor: major, devminor: minor } = member.header
    switch (typeflag) {
      case '2':
        return { type: 'symlink', ...metadata, target: member.linkName, mode: 0o777 }
      case '3':
        return { type: 'character-device', ...metadata, major, minor }
      case '4':
        return { type: 'block-device', ...metadata, major, minor }
      case '6':
        return { type: 'fifo', ...metadata }
      default:
        if (!isRegular(typeflag))
          throw new PathRefused(member.name, `its type ${JSON.stringify(typeflag)} is not known`)
        return { type: 'file', ...metadata, content: await this.#content(member) }
    }
  }

  async #content(member: TarMember): Promise<SmallContent | LargeContent | undefined> {
    const { sizeBytes, extents } = member
    if (sizeBytes === 0) return undefined
    if (sizeBytes <= chunkBytes) return this.#parts.spool.add(await this.#smallBytes(member))
    const cutter = new LargeFileCutter(this.#parts.chunks)
    const data = this.#reader.data(member)
    let at = 0
    let rest = Buffer.alloc(0)
    for (const { offset, length } of extents) {
      await cutter.skip(offset - at)
      for (let missing = length; missing > 0; ) {
        if (rest.length === 0) rest = (await data.next()).value as Buffer<ArrayBuffer>
        const part = rest.subarray(0, missing)
        rest = rest.subarray(part.length)
        missing -= part.length
        await cutter.write(part)
        this.#parts.signal?.throwIfAborted()
      }
      at = offset + length
    }
    await cutter.skip(sizeBytes - at)
    return cutter.finish()
  }

  async #smallBytes(member: TarMember): Promise<Buffer> {
    const bytes = Buffer.alloc(member.sizeBytes)
    const parts: Buffer[] = []
    for await (const piece of this.#reader.data(member)) parts.push(piece)
    const stored = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    let at = 0
    for (const { offset, length } of member.extents) {
      stored.copy(bytes, offset, at, at + length)
      at += length
    }
    return bytes
  }
}

/** '7' is a contiguous file of a system that had them; S an old GNU sparse one. */
function isRegular(typeflag: string): boolean {
  return typeflag === '0' || typeflag === '7' || typeflag === 'S'
}

/** Like tar, takes `/etc/x` and `./etc//x` as `etc/x`. A `..` stays, and is refused where the path is used. */
function memberPath(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}
