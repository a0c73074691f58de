import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { ImageSourceInvalid, type ImportOptions } from '../image-source.ts'
import { isMountable, mountForReading, type Replays } from './mount-for-reading.ts'
import { type Filesystem, probeFilesystem } from './probe-filesystem.ts'
import { type Partition, readPartitions } from './read-partitions.ts'

export type DiskPart = Partition & { filesystem: Filesystem | undefined }
export type Root = { part: DiskPart; subvolume: string | undefined }

/** A raw disk that is looked at: `file` may be a copy of what messages call `source`. */
export type DiskContext = ImportOptions & { source: string; file: string; replays: Replays }

/** A disk's partitions with what they hold; a disk without a table is one whole part, number 0. */
export async function readDiskParts({ file, source }: DiskContext): Promise<DiskPart[]> {
  const partitions = await readPartitions(file)
  if (partitions) {
    const parts = partitions.map(async (part) => ({ ...part, filesystem: await probeFilesystem(file, part) }))
    return Promise.all(parts)
  }
  const filesystem = await probeFilesystem(file)
  if (!filesystem) throw new ImageSourceInvalid(source, undefined, 'it holds no partition table and no filesystem')
  const { size } = await lstat(file)
  return [{ number: 0, startBytes: 0, sizeBytes: size, uuid: undefined, name: undefined, filesystem }]
}

/** The part that holds the root file system, where exactly one looks like that. Throws ImageSourceInvalid. */
export async function findRoot(context: DiskContext, parts: readonly DiskPart[]): Promise<Root> {
  const roots: Root[] = []
  for (const part of parts) {
    if (!part.filesystem || !isMountable(part.filesystem) || part.filesystem.type === 'vfat') continue
    for (const subvolume of await findSubvolumes(context, part)) roots.push({ part, subvolume })
  }
  const [root, ...more] = roots
  if (root && more.length === 0) return root
  const found = roots.length === 0 ? 'none of its parts' : `more than one of its parts (${roots.map(describeRoot)})`
  const reason = `${found} looks like the root of a system; it holds ${parts.map(describePart).join(', ')}; name the one`
  throw new ImageSourceInvalid(context.source, undefined, reason)
}

/** Subvolumes of a part in which a system's root is; `undefined` is the whole of it, or a btrfs's default subvolume. */
async function findSubvolumes(context: DiskContext, part: DiskPart): Promise<(string | undefined)[]> {
  const mountOptions = mountContext(context, part)
  {
    await using mount = await mountForReading(context.file, part.filesystem!, mountOptions)
    if (await isRoot(mount.directory)) return [undefined]
  }
  if (part.filesystem!.type !== 'btrfs') return []
  await using top = await mountForReading(context.file, part.filesystem!, { ...mountOptions, subvolume: '/' })
  const roots: string[] = []
  for (const name of await readdir(top.directory)) if (await isRoot(path.join(top.directory, name))) roots.push(name)
  return roots
}

/** Looks without following a link: what stands in an image must not lead out of it. */
async function isRoot(directory: string): Promise<boolean> {
  const looked = ['', 'etc', 'usr'].map((name) => lstat(path.join(directory, name)).catch(() => undefined))
  return (await Promise.all(looked)).every((stats) => stats?.isDirectory())
}

export function mountContext({ source, onNotice, signal, replays }: DiskContext, part: DiskPart) {
  const stretch = part.number === 0 ? undefined : part
  return { source, onNotice, signal, replays, stretch, where: describeNumber(part) }
}

export function describePart(part: DiskPart): string {
  return `${describeNumber(part)} (${part.filesystem?.type ?? 'unknown'})`
}

function describeNumber({ number }: DiskPart): string {
  return number === 0 ? 'the whole disk' : `partition ${number}`
}

function describeRoot({ part, subvolume }: Root): string {
  return subvolume === undefined ? describeNumber(part) : `subvolume ${subvolume} of ${describeNumber(part)}`
}
