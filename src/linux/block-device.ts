import { constants } from 'node:os'
import koffi from 'koffi'
import { bindLibc, checkResult } from './libc.ts'
import { LinuxError } from './linux-error.ts'

/** linux/fs.h. Their numbers are the same on x86-64 and arm64. */
const BLKSSZGET = 0x1268
const BLKGETSIZE64 = 0x8008_1272
const BLKZEROOUT = 0x127f

const ioctl = bindLibc<(fd: number, request: number, argument: Uint8Array) => number>(
  'int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)',
)

/** Size of an open block device, and the unit in which it is addressed; undefined for what is none. Throws LinuxError. */
export function readBlockDeviceSize(fd: number): { sizeBytes: number; sectorBytes: number } | undefined {
  const size = Buffer.alloc(8)
  const sector = Buffer.alloc(8)
  if (ioctl(fd, BLKGETSIZE64, size) === -1) {
    const error = new LinuxError(`ioctl(${fd}, BLKGETSIZE64)`, koffi.errno())
    if (error.code === 'ENOTTY') return undefined
    throw error
  }
  checkResult(ioctl(fd, BLKSSZGET, sector), () => `ioctl(${fd}, BLKSSZGET)`)
  return { sizeBytes: Number(size.readBigUInt64LE()), sectorBytes: sector.readInt32LE() }
}

/**
 * Has the disk write zeros by itself where it can (WRITE ZEROES), and the kernel where it cannot, in a thread of libuv's
 * pool. Whole sectors of a block device. Rejects with a LinuxError of EIO, because errno stays in that thread.
 */
export function startZeroOut(fd: number, startBytes: number, sizeBytes: number): Promise<void> {
  const range = Buffer.alloc(16)
  range.writeBigUInt64LE(BigInt(startBytes), 0)
  range.writeBigUInt64LE(BigInt(sizeBytes), 8)
  const { async: start } = ioctl as unknown as {
    async: (fd: number, request: number, range: Uint8Array, done: (error: Error | null, result: number) => void) => void
  }
  return new Promise((resolve, reject) => {
    start(fd, BLKZEROOUT, range, (error, result) => {
      if (error) reject(error)
      else if (result === 0) resolve()
      else reject(new LinuxError(`ioctl(${fd}, BLKZEROOUT, ${startBytes}, ${sizeBytes})`, constants.errno.EIO))
    })
  })
}
