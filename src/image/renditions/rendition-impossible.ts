/** A rendition that cannot be made of this version, or not here and now; the message says what to do. */
export class RenditionImpossible extends Error {
  override readonly name = 'RenditionImpossible'
  readonly version: string
  readonly rendition: string

  constructor(version: string, rendition: string, reason: string, options?: ErrorOptions) {
    super(`Cannot make rendition ${rendition} of version ${version}: ${reason}`, options)
    this.version = version
    this.rendition = rendition
  }
}
