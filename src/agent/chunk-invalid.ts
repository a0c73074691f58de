/** A chunk that came wrong twice. */
export class ChunkInvalid extends Error {
  override readonly name = 'ChunkInvalid'
  readonly chunkId: string
  /** What it is a part of: a path of the tree, or a byte of the device. */
  readonly place: string
  readonly packId: string

  constructor(chunkId: string, place: string, packId: string, actual: string) {
    super(
      `Cannot use chunk ${chunkId} of ${place.toWellFormed()} from pack ${packId}: fetched twice, it hashes to ${actual}`,
    )
    this.chunkId = chunkId
    this.place = place
    this.packId = packId
  }
}
