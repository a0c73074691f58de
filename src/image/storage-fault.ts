import { stat, statfs } from 'node:fs/promises'
import path from 'node:path'

/** A file system without room for what had to be written; what was begun is taken back. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull'
  readonly code: string
  readonly file: string
  readonly mountPoint: string
  readonly freeBytes: number

  constructor(file: string, mountPoint: string, freeBytes: number, cause: NodeJS.ErrnoException) {
    const full = cause.code === 'EDQUOT' ? 'the quota of this user is used up' : `it is full`
    const free = `${Math.floor(freeBytes / 1024 / 1024)} MiB are free`
    const advice = "make room there ('bootwright image prune' removes what no version needs), then try again"
    super(`Cannot write ${file}: it lies on the file system at ${mountPoint}, and ${full} (${free}); ${advice}`, {
      cause,
    })
    this.code = cause.code ?? 'ENOSPC'
    this.file = file
    this.mountPoint = mountPoint
    this.freeBytes = freeBytes
  }
}

/** A device or file system that does not do its work: EIO, or mounted read-only. */
export class StorageBroken extends Error {
  override readonly name = 'StorageBroken'
  readonly code: string
  readonly file: string
  readonly mountPoint: string

  constructor(file: string, mountPoint: string, cause: NodeJS.ErrnoException) {
    const reason = reasons[cause.code ?? ''] ?? cause.message
    super(`Cannot use ${file}: the file system at ${mountPoint} ${reason}`, { cause })
    this.code = cause.code ?? 'EIO'
    this.file = file
    this.mountPoint = mountPoint
  }
}

const reasons: Record<string, string> = {
  EIO: "reports an input/output error; look at the disk (dmesg, smartctl), then run 'bootwright image verify'",
  EROFS: 'is read-only; a file system that met an error becomes so by itself: look at dmesg, mount it read-write',
}

/** Runs what reads or writes `file`, and tells a full or broken disk by name. Throws StorageFull, StorageBroken. */
export async function onStorage<Result>(file: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    throw await explainStorage(file, error)
  }
}

/** The error by its name where the storage of `file` is at fault; otherwise the same error. */
export async function explainStorage(file: string, error: unknown): Promise<unknown> {
  if (error instanceof StorageFull || error instanceof StorageBroken) return error
  const fault = error as NodeJS.ErrnoException
  if (fault.code === 'ENOSPC' || fault.code === 'EDQUOT') {
    const directory = path.dirname(file)
    const { bavail, bsize } = await statfs(directory).catch(() => ({ bavail: 0, bsize: 0 }))
    return new StorageFull(file, await mountPointOf(directory), bavail * bsize, fault)
  }
  if (fault.code !== undefined && Object.hasOwn(reasons, fault.code)) {
    return new StorageBroken(file, await mountPointOf(path.dirname(file)), fault)
  }
  return error
}

/** The highest directory above that is still on the same device. */
async function mountPointOf(directory: string): Promise<string> {
  try {
    const { dev } = await stat(directory)
    let at = path.resolve(directory)
    while (at !== '/' && (await stat(path.dirname(at))).dev === dev) at = path.dirname(at)
    return at
  } catch {
    return directory
  }
}
