import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { ByteSource, SourceTruncated } from './byte-source.ts'
import { ContentSpool } from './content-spool.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { ImportSession } from './import-session.ts'
import { publishVersion, type VersionDescription } from './publish-version.ts'
import type { Repository, Version } from './repository.ts'
import { checkName } from './repository-layout.ts'
import { type LargeContent, LargeFileCutter, type SmallContent } from './source-content.ts'
import { openSourceStream, type SourceStream } from './source-stream.ts'
import { tarMetadata } from './tar-metadata.ts'
import { type TarMember, TarReader } from './tar-reader.ts'
import { chunkBytes } from './tree.ts'
import { type MemberNode, PathRefused, TreeBuilder } from './tree-builder.ts'
import { layOutTree } from './tree-layout.ts'

/**
 * Imports a tar (ustar, pax, GNU; plain or compressed by gzip, zstd, xz or bzip2) as a version, which becomes the image's
 * `current` one. Needs no root. The same tar always gives the same version id. Throws ImageSourceInvalid; leaves nothing
 * behind then.
 */
export async function importTar(
  repository: Repository,
  file: string,
  options: VersionDescription & ImportOptions,
): Promise<Version> {
  checkName('image', options.image)
  const stream = await openSourceStream(file)
  await using session = await ImportSession.begin(repository)
  await using source = new ByteSource(stream.bytes)
  await using spool = await ContentSpool.create(path.join(session.directory, 'small-files'))
  const tar = new TarImport({ file, stream, source, spool, session, options })
  try {
    const tree = await layOutTree((await tar.run()).root, session.chunks)
    options.signal?.throwIfAborted()
    return await publishVersion(session, tree, options)
  } catch (error) {
    throw tar.explain(error)
  }
}

type Parts = {
  file: string
  stream: SourceStream
  source: ByteSource
  spool: ContentSpool
  session: ImportSession
  options: ImportOptions
}

class TarImport {
  readonly #parts: Parts
  readonly #reader: TarReader
  readonly #builder = new TreeBuilder()
  #member: TarMember | undefined
  #entries = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#reader = new TarReader(parts.source)
  }

  async run(): Promise<TreeBuilder> {
    const { signal } = this.#parts.options
    for (;;) {
      signal?.throwIfAborted()
      const member = await this.#reader.next()
      if (!member) break
      this.#member = member
      await this.#add(member)
      if (++this.#entries % 256 === 0) this.#report()
    }
    this.#member = undefined
    if (this.#entries === 0) throw new ImageSourceInvalid(this.#parts.file, undefined, 'it holds no files')
    this.#report()
    return this.#builder
  }

  /** The error with its place: byte and member. */
  explain(error: unknown): unknown {
    const { file, source } = this.#parts
    const within = this.#member && `behind or in ${JSON.stringify(this.#member.name.toWellFormed())}`
    const where = `byte ${source.position} of the tar${within ? `, ${within}` : ''}`
    if (error instanceof SourceTruncated) {
      return new ImageSourceInvalid(file, where, 'it ends before the archive does: the file is truncated', {
        cause: error,
      })
    }
    if (error instanceof DecodeError || error instanceof PathRefused) {
      return new ImageSourceInvalid(file, where, error.message, { cause: error })
    }
    return error
  }

  #report(): void {
    const { options, stream } = this.#parts
    options.onProgress?.({ bytesDone: stream.bytesRead(), bytesTotal: stream.bytesTotal, entries: this.#entries })
  }

  async #add(member: TarMember): Promise<void> {
    const target = memberPath(member.name)
    const { typeflag } = member.header
    if (typeflag === '5' || (isRegular(typeflag) && member.name.endsWith('/'))) {
      this.#builder.addDirectory(target, tarMetadata(member))
      return
    }
    if (target === '') throw new PathRefused(member.name, 'it names the root, and is no directory')
    if (typeflag === '1') this.#builder.addMember(target, this.#linkedNode(member))
    else this.#builder.addMember(target, await this.#node(member))
  }

  #linkedNode(member: TarMember): MemberNode {
    const node = this.#builder.findMember(memberPath(member.linkName))
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
    const cutter = new LargeFileCutter(this.#parts.session.chunks)
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
        this.#parts.options.signal?.throwIfAborted()
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
