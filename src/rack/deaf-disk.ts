import type { NbdDisk } from './nbd-server.ts'

/** What a disk acknowledges and does not do; `zeros` are discards too. */
export type Deafness = 'writes' | 'zeros'

/** A disk in memory that lies: worn flash that keeps nothing any more, storage that does not know what a discard is. */
export class DeafDisk implements NbdDisk {
  readonly bytes: Buffer
  deafTo: ReadonlySet<Deafness>
  /** From the first flush on it is deaf to this. */
  deafAfterFlush: ReadonlySet<Deafness> | undefined

  constructor(bytes: Buffer, deafTo: readonly Deafness[]) {
    this.bytes = bytes
    this.deafTo = new Set(deafTo)
  }

  get sizeBytes(): number {
    return this.bytes.length
  }

  async read(offset: number, length: number): Promise<Buffer> {
    return Buffer.from(this.bytes.subarray(offset, offset + length))
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    if (!this.deafTo.has('writes')) this.bytes.set(data, offset)
  }

  async zero(offset: number, length: number): Promise<void> {
    if (!this.deafTo.has('zeros')) this.bytes.fill(0, offset, offset + length)
  }

  async flush(): Promise<void> {
    this.deafTo = this.deafAfterFlush ?? this.deafTo
  }
}
