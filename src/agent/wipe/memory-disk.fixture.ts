import type { WipeDevice } from './wipe-device.ts'

/** A disk in memory, which may lie: what `ignores` says of a write is acknowledged and not done. */
export class MemoryDisk implements WipeDevice {
  readonly path = '/dev/memory'
  readonly sectorBytes = 512
  readonly bytes: Buffer
  ignores: (offset: number) => boolean = () => false
  broken: (offset: number) => boolean = () => false
  flushes = 0

  constructor(sizeBytes: number, fill: (bytes: Buffer) => void = () => {}) {
    this.bytes = Buffer.alloc(sizeBytes)
    fill(this.bytes)
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    if (this.broken(offset)) throw new Error(`Cannot read byte ${offset}`)
    target.set(this.bytes.subarray(offset, offset + target.length))
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.broken(offset)) throw new Error(`Cannot write byte ${offset}`)
    if (!this.ignores(offset)) this.bytes.set(bytes, offset)
  }

  async flush(): Promise<void> {
    this.flushes++
  }
}
