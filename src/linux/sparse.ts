import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const lseek = bindLibc<(fd: number, offset: number, whence: number) => number>(
  'int64_t lseek(int fd, int64_t offset, int whence)',
)
const seekData = 3
const seekHole = 4

/**
 * The next stretch of a file that holds data, from `offset` on; undefined when only a hole follows. Everything between
 * stretches reads as zeros. Moves the file position. Throws LinuxError.
 */
export function nextDataExtent(fd: number, offset: number): { start: number; end: number } | undefined {
  const start = lseek(fd, offset, seekData)
  if (start < 0) {
    const error = new LinuxError(`lseek(${fd}, ${offset}, SEEK_DATA)`, koffi.errno())
    if (error.code === 'ENXIO') return undefined
    throw error
  }
  const end = lseek(fd, start, seekHole)
  if (end < 0) throw new LinuxError(`lseek(${fd}, ${start}, SEEK_HOLE)`, koffi.errno())
  return { start, end }
}
