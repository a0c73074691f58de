import { constants } from 'node:os'
import koffi from 'koffi'
import { bindLibc } from './libc.ts'
import { LinuxError } from './linux-error.ts'

/** linux/watchdog.h: _IOWR('W', 6, int). The same on x86-64 and arm64. */
const WDIOC_SETTIMEOUT = 0xc004_5706

const ioctl = bindLibc<(fd: number, request: number, argument: Uint8Array) => number>(
  'int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)',
)

/**
 * Sets after how many seconds an open watchdog restarts the machine, and begins to count anew. Gives what the driver made of
 * it; undefined where the watchdog cannot count that far. Throws LinuxError.
 */
export function setWatchdogTimeout(fd: number, seconds: number): number | undefined {
  const argument = Buffer.alloc(4)
  argument.writeInt32LE(seconds)
  if (ioctl(fd, WDIOC_SETTIMEOUT, argument) !== -1) return argument.readInt32LE()
  const errno = koffi.errno()
  if (errno === constants.errno.EINVAL) return undefined
  throw new LinuxError(`ioctl(${fd}, WDIOC_SETTIMEOUT, ${seconds})`, errno)
}
