import { closeSync, constants, openSync } from 'node:fs'
import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

const ioctl = bindLibc<(fd: number, request: number, flags: Int32Array) => number>(
  'int ioctl(int fd, unsigned long request, _Inout_ int *flags)',
)
// linux/fs.h, for machines with 64-bit longs.
const getFlags = 0x80086601
const setFlags = 0x40086602
const immutable = 0x10
const appendOnly = 0x20

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
/** Filesystems that know no such flags. */
const unknown = new Set(['ENOTTY', 'EOPNOTSUPP', 'ENOSYS'])

/**
 * Takes the flags `immutable` and `append only` (chattr +i, +a) from a file or directory: with them not even root may
 * change, rename or remove it. True when it had one. Throws LinuxError, and what open() throws.
 */
export function clearProtection(path: string | Buffer): boolean {
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const flags = new Int32Array(2) // the kernel's own programs write an int where the request's name says long
    if (ioctl(fd, getFlags, flags) !== 0) return ignoreUnknown('FS_IOC_GETFLAGS')
    if ((flags[0]! & (immutable | appendOnly)) === 0) return false
    flags[0]! &= ~(immutable | appendOnly)
    return ioctl(fd, setFlags, flags) === 0 || ignoreUnknown('FS_IOC_SETFLAGS')
  } finally {
    closeSync(fd)
  }
}

function ignoreUnknown(call: string): false {
  const error = new LinuxError(`ioctl(${call})`, koffi.errno())
  if (unknown.has(error.code)) return false
  throw error
}
