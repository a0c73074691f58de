import { open, stat } from 'node:fs/promises'
import path from 'node:path'
import { DecodeError } from '../../bytes/decode-error.ts'
import { ByteSource, SourceTruncated } from '../byte-source.ts'
import { ImageSourceInvalid } from '../image-source.ts'
import { openSourceStream } from '../source-stream.ts'
import { onStorage } from '../storage-fault.ts'
import { type TarMember, TarReader } from '../tar-reader.ts'

/** Where a file of an image lies: a file of its own, or a part of an archive. */
export type StoredPart = { file: string; start: number; sizeBytes: number }

/** The files of an OCI layout or a Docker archive, by the paths these have in it. */
export type OciFiles = { find: (path: string) => Promise<StoredPart | undefined> }

/** An OCI image layout as a directory. Paths must come from digests, not from what an image says. */
export function layoutFiles(directory: string): OciFiles {
  return {
    find: async (name) => {
      const file = path.join(directory, name)
      const stats = await stat(file).catch(() => undefined)
      return stats?.isFile() ? { file, start: 0, sizeBytes: stats.size } : undefined
    },
  }
}

/**
 * An archive of one, a tar. Its index stands anywhere in it, so it is read once to find where everything lies; one that
 * is compressed is unpacked into `spoolFile` for that. Throws ImageSourceInvalid.
 */
export async function archiveFiles(file: string, spoolFile: string, signal?: AbortSignal): Promise<OciFiles> {
  const { isCompressed, bytes } = await openSourceStream(file)
  const from = isCompressed ? spool(bytes, spoolFile) : bytes
  await using source = new ByteSource(from)
  const members = new ArchiveMembers(isCompressed ? spoolFile : file)
  try {
    const reader = new TarReader(source)
    for (let member = await reader.next(); member; member = await reader.next()) {
      signal?.throwIfAborted()
      members.add(member, source.position)
    }
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof SourceTruncated)) throw error
    const reason = error instanceof DecodeError ? error.message : 'it ends before the archive does: it is truncated'
    throw new ImageSourceInvalid(file, `byte ${source.position} of the archive`, reason, { cause: error })
  }
  return members
}

/** A member of which others may be names: `docker save` wrote layers that stand twice as symlinks. */
class ArchiveMembers implements OciFiles {
  readonly #file: string
  readonly #members = new Map<string, StoredPart | { target: string }>()

  constructor(file: string) {
    this.#file = file
  }

  add({ name, linkName, header, sizeBytes, extents }: TarMember, start: number): void {
    const member = path.posix.normalize(name)
    const { typeflag } = header
    if (typeflag === '0' && extents.length <= 1) this.#members.set(member, { file: this.#file, start, sizeBytes })
    else if (typeflag === '1') this.#members.set(member, { target: path.posix.normalize(linkName) })
    else if (typeflag === '2') {
      this.#members.set(member, { target: path.posix.join(path.posix.dirname(member), linkName) })
    }
  }

  async find(name: string): Promise<StoredPart | undefined> {
    let found = this.#members.get(path.posix.normalize(name))
    for (let hops = 0; found && 'target' in found && hops < 10; hops++) found = this.#members.get(found.target)
    return found && 'target' in found ? undefined : found
  }
}

/** Writes what goes through it. */
async function* spool(bytes: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  await using handle = await onStorage(file, () => open(file, 'wx', 0o600))
  for await (const part of bytes) {
    await onStorage(file, () => handle.writeFile(part))
    yield part
  }
}
