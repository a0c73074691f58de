import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import path from 'node:path'
import { DirectoryWalk } from './directory-walk.ts'
import {
  type DiskContext,
  type DiskPart,
  describePart,
  findRoot,
  mountContext,
  type Root,
  readDiskParts,
} from './disk-image/find-root.ts'
import { type FstabEntry, findPartition, parseFstab, stripSlashes } from './disk-image/fstab.ts'
import { isMountable, mountForReading } from './disk-image/mount-for-reading.ts'
import { ImageSourceInvalid, type ImportOptions } from './image-source.ts'
import type { ImportSession } from './import-session.ts'
import { importVersion } from './import-version.ts'
import type { VersionDescription } from './publish-version.ts'
import { convertToRaw, probeDisk } from './renditions/import-disk.ts'
import type { Repository, Version } from './repository.ts'
import { PathRefused, TreeBuilder } from './tree-builder.ts'

export type DiskTreeOptions = VersionDescription &
  ImportOptions & {
    /** Of the file, as qemu-img calls it; found out where it is not given. Give `raw` for a file that strangers made. */
    format?: string | undefined
    /** Number of the partition that holds the root; found where it is not given. */
    partition?: number | undefined
    /** Subvolume of a btrfs in which the root is; found where it is not given. */
    subvolume?: string | undefined
  }

const maxFstabBytes = 1024 * 1024

/**
 * Imports the files on a disk image, raw or in a format that qemu-img reads: its root file system, and in their places
 * those of its other partitions that its fstab mounts. The image is not changed. Needs root, which alone may mount.
 * Throws ImageSourceInvalid; leaves nothing behind then.
 */
export async function importDiskTree(repository: Repository, file: string, options: DiskTreeOptions): Promise<Version> {
  if (process.geteuid?.() !== 0) {
    const reason =
      'its filesystems are read by mounting them, which only root may; run it as root, or import the whole disk'
    throw new ImageSourceInvalid(file, undefined, reason)
  }
  const probe = await probeDisk(file, options.format)
  return importVersion(repository, { kind: 'disk', name: file }, options, async (session, resources) => {
    const raw = probe.format === 'raw' ? file : await convertToRaw(file, probe.format, session.directory, options)
    const replays = { directory: session.directory, copies: new Map<string, string>() }
    const reading = new DiskReading({ ...options, source: file, file: raw, replays }, session, resources)
    return { builder: await reading.run(options) }
  })
}

class DiskReading {
  readonly #context: DiskContext
  readonly #session: ImportSession
  readonly #resources: AsyncDisposableStack
  readonly #builder = new TreeBuilder()

  constructor(context: DiskContext, session: ImportSession, resources: AsyncDisposableStack) {
    this.#context = context
    this.#session = session
    this.#resources = resources
  }

  async run({ partition, subvolume }: Pick<DiskTreeOptions, 'partition' | 'subvolume'>): Promise<TreeBuilder> {
    const parts = await readDiskParts(this.#context)
    const root = await this.#chooseRoot(parts, partition, subvolume)
    const directory = await this.#mount(root.part, root.subvolume)
    await this.#walk(directory, '')
    for (const entry of parseFstab(await this.#readFstab(directory))) await this.#addMount(entry, parts, root)
    return this.#builder
  }

  async #chooseRoot(parts: readonly DiskPart[], partition: number | undefined, subvolume: string | undefined) {
    if (partition === undefined && subvolume === undefined) return findRoot(this.#context, parts)
    const isWanted = ({ number, filesystem }: DiskPart) =>
      partition === undefined ? filesystem?.type === 'btrfs' : number === partition
    const [part, ...more] = parts.filter(isWanted)
    if (part?.filesystem && more.length === 0) return { part, subvolume }
    const wanted = partition === undefined ? 'one btrfs' : `a filesystem in partition ${partition}`
    throw this.#invalid(undefined, `it has not ${wanted}; it holds ${parts.map(describePart).join(', ')}`)
  }

  async #mount(part: DiskPart, subvolume: string | undefined): Promise<string> {
    const context = { ...mountContext(this.#context, part), subvolume }
    return this.#resources.use(await mountForReading(this.#context.file, part.filesystem!, context)).directory
  }

  /** Subvolumes that are nested in a btrfs's are seen by its system like directories, and are read so. */
  async #walk(directory: string, prefix: string): Promise<void> {
    const { source, onProgress, onNotice, signal } = this.#context
    const walkOptions = { onProgress, onNotice, signal, sourceName: source, prefix }
    await new DirectoryWalk(directory, this.#builder, this.#session.chunks, walkOptions).run()
  }

  /** Neither etc nor fstab may be a symlink, which would lead to this machine's own. */
  async #readFstab(directory: string): Promise<string> {
    const etc = await lstat(path.join(directory, 'etc')).catch(() => undefined)
    if (!etc?.isDirectory()) return ''
    const file = path.join(directory, 'etc/fstab')
    if (!(await lstat(file).catch(() => undefined))?.isFile()) return ''
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
    const { size } = await handle.stat()
    if (size > maxFstabBytes) throw this.#invalid('/etc/fstab', `it has ${size} bytes`)
    return handle.readFile('utf8')
  }

  async #addMount(entry: FstabEntry, parts: readonly DiskPart[], root: Root): Promise<void> {
    const { device, mountPoint, options } = entry
    const part = findPartition(device, parts)
    if (!part) {
      const isOnDisk = /^(\w*(UUID|LABEL)=|\/dev\/)/.test(device)
      if (isOnDisk) this.#notice(mountPoint, `${device}, which its fstab mounts there, is not on this disk: left out`)
      return
    }
    const subvolume = options.find((option) => option.startsWith('subvol='))?.slice('subvol='.length)
    if (part === root.part && subvolume === root.subvolume) return
    if (!part.filesystem || !isMountable(part.filesystem)) {
      this.#notice(mountPoint, `${describePart(part)}, which its fstab mounts there, cannot be read as files: left out`)
      return
    }
    const prefix = stripSlashes(mountPoint)
    try {
      const directory = await this.#mount(part, subvolume)
      this.#builder.emptyDirectory(prefix)
      await this.#walk(directory, prefix)
    } catch (error) {
      if (error instanceof PathRefused) throw this.#invalid(`/etc/fstab, ${mountPoint}`, error.message, error)
      throw error
    }
  }

  #notice(where: string, reason: string): void {
    this.#context.onNotice?.({ where, reason })
  }

  #invalid(where: string | undefined, reason: string, cause?: unknown): ImageSourceInvalid {
    return new ImageSourceInvalid(this.#context.source, where, reason, { cause })
  }
}
