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
 * Takes an open file out of the page cache, so that the next read comes from the disk. Pages that are not yet written
 * stay: sync first. Throws LinuxError.
 */
export function dropCachedFile(fd: number): void {
  const errno = posixFadvise(fd, 0, 0, dontNeed) // gives the error as its result, not in errno
  if (errno !== 0) throw new LinuxError(`posix_fadvise(${fd}, DONTNEED)`, errno)
}
