import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { readBlockDeviceSize, startZeroOut } from '../../linux/block-device.ts'
import { dropCachedFile } from '../../linux/page-cache.ts'
import { allocateAligned } from './aligned-memory.ts'

/** A block device could not be opened, read or written; `offset` is the byte at which it went wrong. */
export class DeviceFailed extends Error {
  override readonly name = 'DeviceFailed'
  readonly device: string
  readonly offset: number | undefined

  constructor(what: string, device: string, offset: number | undefined, cause: unknown) {
    const where = offset === undefined ? device : `byte ${offset} of ${device}`
    super(`Cannot ${what} ${where}: ${(cause as Error).message}`, { cause })
    this.device = device
    this.offset = offset
  }
}

const { O_RDWR, O_DIRECT, O_EXCL } = constants
const zeroPieceBytes = 64 * 1024
const fileSectorBytes = 512

/**
 * A disk or partition of which nobody else has a filesystem mounted. It is read and written past the page cache (direct
 * I/O) where it can be: then memory, offsets and lengths must be multiples of a sector, in aligned memory (aligned-memory.ts). A
 * plain file does as well.
 */
export class BlockDevice {
  readonly path: string
  readonly sizeBytes: number
  readonly sectorBytes: number
  readonly #handle: FileHandle
  readonly #isDirect: boolean
  readonly #isBlockDevice: boolean

  private constructor(path: string, handle: FileHandle, isDirect: boolean, fileBytes: number) {
    const size = readBlockDeviceSize(handle.fd)
    this.path = path
    this.#handle = handle
    this.#isDirect = isDirect
    this.#isBlockDevice = size !== undefined
    this.sizeBytes = size?.sizeBytes ?? fileBytes
    this.sectorBytes = size?.sectorBytes ?? fileSectorBytes
  }

  /** Throws DeviceFailed, with EBUSY where it is in use. */
  static async open(path: string): Promise<BlockDevice> {
    try {
      const { handle, isDirect } = await openDirectly(path)
      return new BlockDevice(path, handle, isDirect, (await handle.stat()).size)
    } catch (cause) {
      throw new DeviceFailed('open', path, undefined, cause)
    }
  }

  /** Fills `target`. Throws DeviceFailed. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await this.#handle
        .read(target, done, target.length - done, offset + done)
        .catch((cause) => this.#fail('read', offset + done, cause))
      if (bytesRead === 0) this.#fail('read', offset + done, new Error('the device ends there'))
      done += bytesRead
    }
  }

  /** Throws DeviceFailed. */
  async write(bytes: Uint8Array, offset: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle
        .write(bytes, done, bytes.length - done, offset + done)
        .catch((cause) => this.#fail('write', offset + done, cause))
      done += bytesWritten
    }
  }

  /** Throws DeviceFailed. */
  async writeZeros(offset: number, sizeBytes: number): Promise<void> {
    if (this.#isBlockDevice) {
      await startZeroOut(this.#handle.fd, offset, sizeBytes).catch((cause) => this.#fail('zero', offset, cause))
      return
    }
    const zeros = new Uint8Array(allocateAligned(zeroPieceBytes))
    for (let done = 0; done < sizeBytes; done += zeroPieceBytes) {
      await this.write(zeros.subarray(0, Math.min(zeroPieceBytes, sizeBytes - done)), offset + done)
    }
  }

  /** After this the disk holds what was written, and reading asks the disk. Throws DeviceFailed. */
  async flush(): Promise<void> {
    await this.#handle.datasync().catch((cause) => this.#fail('flush', undefined, cause))
    if (!this.#isDirect) dropCachedFile(this.#handle.fd)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  #fail(what: string, offset: number | undefined, cause: unknown): never {
    throw new DeviceFailed(what, this.path, offset, cause)
  }
}

/** O_EXCL on a block device: not while it is mounted, or part of an array. */
async function openDirectly(path: string): Promise<{ handle: FileHandle; isDirect: boolean }> {
  try {
    return { handle: await open(path, O_RDWR | O_EXCL | O_DIRECT), isDirect: true }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    return { handle: await open(path, O_RDWR | O_EXCL), isDirect: false }
  }
}
