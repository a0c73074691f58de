import { bindLibc, checkResult } from './libc.ts'

const futimens = bindLibc<(fd: number, times: Uint8Array) => number>('int futimens(int fd, const uint8_t *times)')
const utimensat = bindLibc<(directory: number, path: Uint8Array, times: Uint8Array, flags: number) => number>(
  'int utimensat(int directory, const uint8_t *path, const uint8_t *times, int flags)',
)
const currentDirectory = -100 // AT_FDCWD
const noFollow = 0x100 // AT_SYMLINK_NOFOLLOW

/** struct timespec[2] on 64-bit Linux: atime and mtime, each seconds and nanoseconds as 64-bit words. */
const times = Buffer.alloc(32)

/*
 * Node's utimes take seconds as a double, which near today's dates is right to about 240 ns only; a tree that is to be
 * equal to its image needs all nine digits.
 */

/** Sets an open file's access and modification time. Throws LinuxError. */
export function writeFileTimes(fd: number, seconds: number, nanoseconds: number): void {
  setTimes(seconds, nanoseconds)
  checkResult(futimens(fd, times), () => `futimens(${fd})`)
}

/** The same by path; a symlink is not followed. Throws LinuxError. */
export function writePathTimes(path: string | Uint8Array, seconds: number, nanoseconds: number): void {
  setTimes(seconds, nanoseconds)
  const bytes = Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.alloc(1)])
  checkResult(
    utimensat(currentDirectory, bytes, times, noFollow),
    () => `utimensat(${bytes.subarray(0, -1).toString()})`,
  )
}

function setTimes(seconds: number, nanoseconds: number): void {
  for (const start of [0, 16]) {
    times.writeBigInt64LE(BigInt(seconds), start)
    times.writeUInt32LE(nanoseconds, start + 8)
  }
}
