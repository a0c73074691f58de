import koffi from 'koffi'
import { bindLibc, checkResult } from './libc.ts'

const F_DUPFD_CLOEXEC = 1030
const RWF_NOWAIT = 8

const sendfile = bindLibc<(socket: number, file: number, offset: BigInt64Array, count: number) => number>(
  'int64_t sendfile(int socket, int file, int64_t *offset, uint64_t count)',
)
const preadv2 = bindLibc<(fd: number, vector: BigUint64Array, count: number, offset: number, flags: number) => number>(
  'int64_t preadv2(int fd, uint64_t *vector, int count, int64_t offset, int flags)',
)
const fcntl = bindLibc<(fd: number, command: number, value: number) => number>(
  'int fcntl(int fd, int command, int value)',
)
const close = bindLibc<(fd: number) => number>('int close(int fd)')

type Started = {
  async: (...values: [...Parameters<typeof sendfile>, (error: Error | null, sent: number) => void]) => void
}

/**
 * A struct iovec of one byte, for a read that only asks whether it would have to wait. The byte stands beside its address
 * because only that keeps it where it is.
 */
const probe = probeOf(Buffer.alloc(4096))

function probeOf(target: Buffer) {
  return { target, vector: BigUint64Array.of(koffi.address(target), 1n) }
}

/** More at once would keep this thread from other connections. */
export const bytesAtOnce = 2 * 1024 * 1024

/**
 * Sends parts of files to a non-blocking stream socket without their bytes passing through this program (sendfile(2)).
 * It holds a descriptor of its own: who owns the socket may close it at any time, and the number of the closed one may
 * be another connection's before a call that waits in libuv's pool is made. Close it, or the connection stays.
 */
export class SocketSender {
  readonly #fd: number
  readonly #offset = new BigInt64Array(1)

  /** Throws LinuxError. */
  constructor(socketFd: number) {
    this.#fd = checkResult(fcntl(socketFd, F_DUPFD_CLOEXEC, 0), () => `fcntl(${socketFd}, F_DUPFD_CLOEXEC)`)
  }

  /**
   * One call at a time. Gives the bytes that the socket took: fewer than `count` and `bytesAtOnce` when it is full, 0 at
   * the end of the file; undefined when it took none, be it full or broken. What is in the page cache goes at once, up to
   * `bytesAtOnce`; what has to come from a disk, in a thread of libuv's pool.
   */
  send(fileFd: number, offset: number, count: number): number | undefined | Promise<number | undefined> {
    this.#offset[0] = BigInt(offset)
    const now = Math.min(count, bytesAtOnce)
    if (isCached(fileFd, offset) && isCached(fileFd, offset + now - 1)) {
      return sentOf(sendfile(this.#fd, fileFd, this.#offset, now))
    }
    return new Promise((resolve, reject) => {
      const { async: start } = sendfile as unknown as Started
      start(this.#fd, fileFd, this.#offset, count, (error, result) => {
        if (error) reject(error)
        else resolve(sentOf(result))
      })
    })
  }

  close(): void {
    checkResult(close(this.#fd), () => `close(${this.#fd})`)
  }
}

/** Why the socket took nothing is not asked: errno of a call that ran in the pool stays in that thread. */
function sentOf(result: number): number | undefined {
  return result < 0 ? undefined : result
}

function isCached(fileFd: number, offset: number): boolean {
  return preadv2(fileFd, probe.vector, 1, offset, RWF_NOWAIT) === 1
}
