import { constants } from 'node:os'
import { bindLibc, checkResult } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const syncfs = bindLibc<(fd: number) => number>('int syncfs(int fd)')
const posixFadvise = bindLibc<(fd: number, offset: number, length: number, advice: number) => number>(
  'int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)',
)
const dontNeed = 4 // POSIX_FADV_DONTNEED

/** Writes everything of the filesystem that holds this open file to its disk. Throws LinuxError. */
export function syncFilesystem(fd: number): void {
  checkResult(syncfs(fd), () => `syncfs(${fd})`)
}

/**
 * The same in a thread of libuv's pool, so that the caller goes on while the disk writes. Rejects with a LinuxError of
 * EIO, because errno stays in that thread.
 */
export function startSyncFilesystem(fd: number): Promise<void> {
  const { async: start } = syncfs as unknown as {
    async: (fd: number, done: (error: Error | null, result: number) => void) => void
  }
  return new Promise((resolve, reject) => {
    start(fd, (error, result) => {
      if (error) reject(error)
      else if (result === 0) resolve()
      else reject(new LinuxError(`syncfs(${fd})`, constants.errno.EIO))
    })
  })
}

/**
 * Takes an open file out of the page cache, so that the next read comes from the disk. Pages that are not yet written
 * stay: sync first. Throws LinuxError.
 */
export function dropCachedFile(fd: number): void {
  const errno = posixFadvise(fd, 0, 0, dontNeed) // gives the error as its result, not in errno
  if (errno !== 0) throw new LinuxError(`posix_fadvise(${fd}, DONTNEED)`, errno)
}
