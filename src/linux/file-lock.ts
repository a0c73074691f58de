import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const flock = bindLibc<(fd: number, operation: number) => number>('int flock(int fd, int operation)')
const operations = { shared: 1, exclusive: 2 } as const
const withoutWaiting = 4

/**
 * Takes flock(2)'s lock on an open file, without waiting. It belongs to this opening of the file and goes with its
 * descriptor, also when the process is killed. False while somebody else has it, in this process or another. Throws
 * LinuxError.
 */
export function tryLockFile(fd: number, kind: keyof typeof operations): boolean {
  if (flock(fd, operations[kind] | withoutWaiting) === 0) return true
  const error = new LinuxError(`flock(${fd}, ${kind})`, koffi.errno())
  if (error.code === 'EWOULDBLOCK' || error.code === 'EAGAIN') return false
  throw error
}
