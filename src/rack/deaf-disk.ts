import type { NbdDisk } from './nbd-server.ts'

/** A disk in memory that acknowledges every write and, while it is deaf, keeps none: worn flash that says nothing of it. */
export class DeafDisk implements NbdDisk {
  readonly bytes: Buffer
  isDeaf = true

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  async read(offset: number, length: number): Promise<Buffer> {
    return Buffer.from(this.bytes.subarray(offset, offset + length))
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    if (!this.isDeaf) this.bytes.set(data, offset)
  }

  async zero(offset: number, length: number): Promise<void> {
    if (!this.isDeaf) this.bytes.fill(0, offset, offset + length)
  }

  async flush(): Promise<void> {}
}
