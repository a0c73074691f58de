import net from 'node:net'

/** The answer to a range request that is not that range; `status` is 206 where only the range differs. */
export class RangeRefused extends Error {
  override readonly name = 'RangeRefused'
  readonly status: number

  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

type Request = {
  target: Uint8Array
  filled: number
  /** `bytes START-END/`, as Content-Range must begin. */
  expected: string
  onBytes: (count: number) => void
  resolve: () => void
  reject: (error: Error) => void
}

const maxHeaderBytes = 16 * 1024

/**
 * One HTTP/1.1 connection that fetches ranges, one after the other, straight into the memory they are for: the kernel
 * writes what it reads there. node:http takes 64 KiB at a time through two more copies, which for the tree of one Debian is
 * 0.2 s of processor time; that is all this is for, so it knows nothing but 206 with a Content-Length (RFC 9110 §15.3.7).
 */
export class RangeConnection {
  readonly #host: string
  readonly #socket: net.Socket
  readonly #stallMs: number
  readonly #header = Buffer.allocUnsafeSlow(maxHeaderBytes)
  #headerBytes = 0
  #inBody = false
  #request: Request | undefined

  constructor(url: URL, stallMs: number) {
    this.#host = url.host
    this.#stallMs = stallMs
    this.#socket = net.connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 80),
      noDelay: true,
      onread: { buffer: () => this.#nextBuffer(), callback: (count) => this.#take(count) },
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the connection broke off')))
    this.#socket.on('timeout', () => this.#fail(new Error(`nothing came for ${stallMs / 1000} s`)))
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded
  }

  /**
   * Fills `target` with what is at `start`; `onBytes` is told of each part as it comes. One call at a time. Throws
   * RangeRefused for another answer, and the socket's error, after which the connection cannot be used.
   */
  fetch(
    path: string,
    range: { start: number; target: Uint8Array; headers: Record<string, string> },
    onBytes: (count: number) => void,
  ): Promise<void> {
    const { start, target } = range
    const end = start + target.length - 1
    const headers = { host: this.#host, range: `bytes=${start}-${end}`, ...range.headers }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    return new Promise((resolve, reject) => {
      this.#request = { target, filled: 0, expected: `bytes ${start}-${end}/`, onBytes, resolve, reject }
      this.#socket.setTimeout(this.#stallMs)
      this.#socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    })
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #nextBuffer(): Uint8Array {
    const request = this.#request
    return this.#inBody && request ? request.target.subarray(request.filled) : this.#header.subarray(this.#headerBytes)
  }

  #take(count: number): boolean {
    if (this.#inBody) this.#addToBody(count)
    else this.#addToHeader(count)
    return true
  }

  #addToHeader(count: number): void {
    this.#headerBytes += count
    const received = this.#header.subarray(0, this.#headerBytes)
    const end = received.indexOf('\r\n\r\n')
    const request = this.#request
    if (!request) this.#fail(new Error('the server said something it was not asked'))
    else if (end >= 0) this.#beginBody(request, received, end)
    else if (this.#headerBytes === maxHeaderBytes) this.#fail(new Error(`the header has over ${maxHeaderBytes} bytes`))
  }

  /** What came behind the header is the beginning of the body; everything else is read to its place. */
  #beginBody(request: Request, received: Buffer, headerEnd: number): void {
    const rest = received.subarray(headerEnd + 4)
    const refusal = refusalOf(received.toString('latin1', 0, headerEnd), request)
    if (refusal || rest.length > request.target.length) {
      this.#fail(refusal ?? new Error('the body is longer than its header says'))
      return
    }
    request.target.set(rest)
    this.#headerBytes = 0
    this.#inBody = true
    this.#addToBody(rest.length)
  }

  #addToBody(count: number): void {
    const request = this.#request!
    request.filled += count
    request.onBytes(count)
    if (request.filled < request.target.length) return
    this.#inBody = false
    this.#request = undefined
    this.#socket.setTimeout(0)
    request.resolve()
  }

  #fail(error: Error): void {
    const request = this.#request
    this.#request = undefined
    this.#socket.destroy()
    request?.reject(error)
  }
}

/** Why this answer cannot be used; undefined when exactly the range follows. */
function refusalOf(header: string, { target, expected }: Request): RangeRefused | undefined {
  const [statusLine = '', ...lines] = header.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0)
  if (status !== 206) return new RangeRefused(status, `the server answered ${statusLine.slice(9, 100) || 'no HTTP'}`)
  const fields = new Map(
    lines.map((line) => [line.split(':', 1)[0]!.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const range = fields.get('content-range') ?? ''
  if (!range.startsWith(expected)) {
    return new RangeRefused(status, `the server answered the range "${range}", not "${expected}"`)
  }
  if (fields.get('content-length') === String(target.length)) return undefined
  return new RangeRefused(status, 'the server did not say that the range has its length')
}
