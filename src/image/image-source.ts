/** A source that cannot become a version: truncated, damaged, or holding what a tree cannot. */
export class ImageSourceInvalid extends Error {
  override readonly name = 'ImageSourceInvalid'
  /** What was imported: a file, directory, container or reference. */
  readonly source: string
  /** Place in it: a path, or a byte offset of the uncompressed tar. */
  readonly where: string | undefined

  constructor(source: string, where: string | undefined, reason: string, options?: ErrorOptions) {
    super(`Cannot import ${source}${where === undefined ? '' : `, at ${where}`}: ${reason}`, options)
    this.source = source
    this.where = where
  }
}

/** Bytes read of a source, how many there are where that is known, and entries found so far. */
export type ImportProgress = { bytesDone: number; bytesTotal: number | undefined; entries: number }

/** What a version lacks of its source, or how it was taken: for the operator, who may want to do it another way. */
export type ImportNotice = { where: string; reason: string }

export type ImportOptions = {
  onProgress?: ((progress: ImportProgress) => void) | undefined
  onNotice?: ((notice: ImportNotice) => void) | undefined
  signal?: AbortSignal | undefined
}
