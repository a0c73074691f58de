import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../bytes/decode-error.ts'
import { listXattrs, readXattr } from '../linux/xattr.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import { cutLargeFile, FileShrank, smallFileContent } from './file-content.ts'
import { decodeFileName, fileSystemPath } from './file-name.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import { type OwnerMap, OwnerUnmapped } from './owner-map.ts'
import { LargeFileCutter } from './source-content.ts'
import { chunkBytes, type Metadata } from './tree.ts'
import { type MemberNode, PathRefused, type TreeBuilder } from './tree-builder.ts'

/** Inode numbers of a btrfs subvolume's root, and of the empty directory that stands for a nested one in a snapshot. */
const subvolumeInode = 256n
const nestedPlaceInode = 2n
/** What the kernel makes up for such a directory changes with the time. */
const nestedPlace: Metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

/** Of one directory; one after the other, each would wait for its way to libuv's pool and back. */
const lookedAtAtOnce = 256

export type DirectoryWalkOptions = ImportOptions & {
  /** What messages call the source, where `directory` is only where it is mounted for the moment. */
  sourceName?: string | undefined
  /** Owners as the files' own users see them; as they are on the disk where it is not given. */
  owners?: OwnerMap | undefined
  /** Path in the tree below which all of it goes; the root where it is not given. */
  prefix?: string | undefined
  /**
   * The directory is a btrfs subvolume, and ends where another is nested in it; the subvolume that it is a snapshot of
   * knows more of that one.
   */
  subvolume?: { snapshotOf: string | undefined } | undefined
}

/** Adds what is under a directory to a tree. Links are found within one walk. */
export class DirectoryWalk {
  readonly #source: string
  readonly #chunks: ChunkWriter
  readonly #builder: TreeBuilder
  readonly #options: DirectoryWalkOptions
  /** Nodes of files with several names, by device and inode. */
  readonly #linked = new Map<string, MemberNode>()
  /** Large files are read one after the other, beside the walk: looking and compressing keep each other waiting otherwise. */
  #reading: Promise<void> = Promise.resolve()
  #failure: unknown
  #bytesDone = 0
  #entries = 0

  constructor(source: string, builder: TreeBuilder, chunks: ChunkWriter, options: DirectoryWalkOptions) {
    this.#source = source
    this.#builder = builder
    this.#chunks = chunks
    this.#options = options
  }

  /** Throws ImageSourceInvalid. */
  async run(): Promise<void> {
    const root = await lstat(fileSystemPath(this.#source), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? this.#invalid(undefined, `${this.#source} is not there`, error) : error
    })
    if (!root.isDirectory()) throw this.#invalid(undefined, 'it is not a directory')
    this.#builder.addDirectory(this.#target(''), this.#metadata(this.#source, root))
    const waiting = ['']
    for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
      this.#options.signal?.throwIfAborted()
      if (this.#failure) break
      const names = await readNames(path.join(this.#source, directory))
      const paths = names.map((name) => (directory === '' ? name : `${directory}/${name}`))
      for (let at = 0; at < paths.length; at += lookedAtAtOnce) {
        const some = paths.slice(at, at + lookedAtAtOnce)
        const stats = await Promise.all(some.map((below) => this.#look(below)))
        for (const [index, below] of some.entries()) {
          if (await this.#addExplained(below, stats[index]!)) waiting.push(below)
        }
      }
      this.#report()
    }
    await this.#reading
    if (this.#failure) throw this.#failure
  }

  #report(): void {
    this.#options.onProgress?.({ bytesDone: this.#bytesDone, bytesTotal: undefined, entries: this.#entries })
  }

  #look(below: string): Promise<BigIntStats> {
    return lstat(fileSystemPath(path.join(this.#source, below)), { bigint: true })
  }

  async #addExplained(below: string, stats: BigIntStats): Promise<boolean> {
    try {
      return await this.#add(below, stats)
    } catch (error) {
      throw this.#explained(below, error)
    }
  }

  #explained(below: string, error: unknown): unknown {
    if (error instanceof FileShrank) {
      return this.#invalid(below, 'the file became shorter while it was read; stop what writes to it', error)
    }
    if (error instanceof PathRefused) return this.#invalid(below, error.reason, error)
    const isRefusal = error instanceof DecodeError || error instanceof OwnerUnmapped
    return isRefusal ? this.#invalid(below, error.message, error) : error
  }

  /** True for a directory, which is still to be walked. */
  async #add(below: string, stats: BigIntStats): Promise<boolean> {
    const full = path.join(this.#source, below)
    this.#entries++
    if (stats.isDirectory()) {
      const isNested = this.#options.subvolume && [subvolumeInode, nestedPlaceInode].includes(stats.ino)
      const metadata = isNested ? await this.#nestedMetadata(below, full, stats) : this.#metadata(full, stats)
      this.#builder.addDirectory(this.#target(below), metadata)
      return !isNested
    }
    if (stats.isSocket()) {
      this.#notice(below, 'a socket, which means nothing without its process: left out')
      return false
    }
    const identity = `${stats.dev}:${stats.ino}`
    let node = stats.nlink > 1n ? this.#linked.get(identity) : undefined
    node ??= await this.#readNode(below, full, stats)
    if (stats.nlink > 1n) this.#linked.set(identity, node)
    this.#builder.addMember(this.#target(below), node)
    return false
  }

  async #readNode(below: string, full: string, stats: BigIntStats): Promise<MemberNode> {
    const metadata = this.#metadata(full, stats)
    if (stats.isFile()) return { type: 'file', ...metadata, content: this.#contentOf(below, full, stats) }
    if (stats.isSymbolicLink()) {
      const target = decodeFileName(await readlink(fileSystemPath(full), { encoding: 'buffer' }))
      return { type: 'symlink', ...metadata, target }
    }
    if (stats.isFIFO()) return { type: 'fifo', ...metadata }
    const type = stats.isCharacterDevice() ? 'character-device' : 'block-device'
    return { type, ...metadata, ...deviceNumbers(stats.rdev) }
  }

  #contentOf(below: string, full: string, stats: BigIntStats) {
    const sizeBytes = Number(stats.size)
    if (sizeBytes === 0) return undefined
    if (sizeBytes <= chunkBytes) {
      this.#bytesDone += sizeBytes
      return smallFileContent(full, sizeBytes)
    }
    const cutter = new LargeFileCutter(this.#chunks)
    this.#reading = this.#reading.then(() => this.#readLarge(below, full, stats, cutter))
    return cutter.content
  }

  /** Never rejects: run() tells of the failure. */
  async #readLarge(below: string, file: string, stats: BigIntStats, cutter: LargeFileCutter): Promise<void> {
    if (this.#failure) return
    const onRead = (bytes: number) => {
      this.#bytesDone += bytes
      this.#report()
    }
    try {
      await cutLargeFile({ file, stats, cutter, signal: this.#options.signal, onRead })
    } catch (error) {
      this.#failure = this.#explained(below, error)
    }
  }

  #metadata(full: string, stats: BigIntStats): Metadata {
    const bytes = fileSystemPath(full)
    const names = listXattrs(bytes)
    const xattrs = names.map((name) => ({ name: decodeFileName(name), value: readXattr(bytes, name) }))
    const second = 1_000_000_000n
    const nanoseconds = ((stats.mtimeNs % second) + second) % second
    const { owners } = this.#options
    return {
      mode: Number(stats.mode) & 0o7777,
      uid: owners ? owners.inside('user', Number(stats.uid)) : Number(stats.uid),
      gid: owners ? owners.inside('group', Number(stats.gid)) : Number(stats.gid),
      mtimeSeconds: Number((stats.mtimeNs - nanoseconds) / second),
      mtimeNanoseconds: Number(nanoseconds),
      xattrs: (owners ? xattrs.map((xattr) => owners.xattr(xattr)) : xattrs).sort((a, b) => (a.name < b.name ? -1 : 1)),
    }
  }

  async #nestedMetadata(below: string, full: string, stats: BigIntStats): Promise<Metadata> {
    const { snapshotOf } = this.#options.subvolume!
    const live = snapshotOf === undefined ? full : path.join(snapshotOf, below)
    const liveStats =
      snapshotOf === undefined ? stats : await lstat(fileSystemPath(live), { bigint: true }).catch(() => stats)
    const isKnown = liveStats.ino === subvolumeInode
    if (!isKnown || (await readNames(live)).length > 0) {
      this.#notice(below, 'another subvolume, which belongs to no snapshot of this one: its content is left out')
    }
    return isKnown ? this.#metadata(live, liveStats) : nestedPlace
  }

  #target(below: string): string {
    const { prefix = '' } = this.#options
    return prefix === '' || below === '' ? `${prefix}${below}` : `${prefix}/${below}`
  }

  #notice(below: string, reason: string): void {
    this.#options.onNotice?.({ where: `/${this.#target(below)}`, reason })
  }

  #invalid(below: string | undefined, reason: string, cause?: unknown): ImageSourceInvalid {
    const where = below && JSON.stringify(`/${this.#target(below)}`.toWellFormed())
    return new ImageSourceInvalid(this.#options.sourceName ?? this.#source, where, reason, { cause })
  }
}

async function readNames(directory: string): Promise<string[]> {
  const found = (await readdir(fileSystemPath(directory), { encoding: 'buffer', withFileTypes: true })) as Dirent<
    Buffer<ArrayBufferLike>
  >[]
  return found.map(({ name }) => decodeFileName(name))
}

/** glibc's gnu_dev_major() and gnu_dev_minor(). */
function deviceNumbers(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n)
  return { major: Number(major), minor: Number(minor) }
}
