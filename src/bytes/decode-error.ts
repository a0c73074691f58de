/** Bytes or text that do not have the form they claim; the message says what, where and why. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly what: string
  readonly offset: number | undefined

  constructor(what: string, reason: string, offset?: number) {
    super(
      offset === undefined ? `Cannot decode ${what}: ${reason}` : `Cannot decode ${what} at byte ${offset}: ${reason}`,
    )
    this.what = what
    this.offset = offset
  }
}
