/** A file became shorter while it was sent; the client sees the connection break and must not believe what it has. */
export class FileShrank extends Error {
  override readonly name = 'FileShrank'
  constructor(offset: number) {
    super(`Cannot send the file to its end: it was cut to ${offset} bytes meanwhile`)
  }
}
