import http from 'node:http'
import https from 'node:https'
import { backOff } from './back-off.ts'
import { RangeConnection, RangeRefused } from './range-connection.ts'

/** The server gave no answer that can be used: at once for one that will not change, at the deadline for the others. */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed'
  readonly url: string
  readonly status: number | undefined

  constructor(url: string, reason: string, options: { status?: number | undefined; cause?: unknown } = {}) {
    super(`Cannot fetch ${url}: ${reason}`, options.cause === undefined ? {} : { cause: options.cause })
    this.url = url
    this.status = options.status
  }
}

export type SourceOptions = {
  /** `http://10.0.0.1:4280`. */
  baseUrl: string
  signal?: AbortSignal | undefined
  /** How long nothing may come, over all attempts, before it is given up. */
  patienceMs?: number | undefined
}

const defaultPatienceMs = 15 * 60_000
const stallMs = 30_000
/**
 * Parts fetched at once. Enough that the link is never idle while one is asked for; with more of them all would end
 * together, and there would be nothing to unpack until then and nothing to fetch after.
 */
const maxParts = 4

type WantedRange = { start: number; target: Uint8Array; headers: Record<string, string> }

/** Where an attempt puts what it gets; `expect` may refuse the answer by throwing a FetchFailed. */
type Attempt = {
  path: string
  headers: Record<string, string>
  expect: (response: http.IncomingMessage, url: string) => void
  take: (bytes: Buffer) => void
}

/**
 * Fetches from the boot plane. A connection that breaks or stalls, and a server that is away or overloaded, are tried again
 * with back-off, and a range goes on from the byte where it broke off. Close it to close its connections.
 */
export class VersionSource {
  /** Bytes of bodies that arrived. */
  bytesFetched = 0
  readonly #baseUrl: string
  readonly #url: URL
  readonly #idle: RangeConnection[] = []
  readonly #client: typeof http | typeof https
  readonly #agent: http.Agent
  readonly #closing = new AbortController()
  readonly #signal: AbortSignal
  readonly #patienceMs: number
  readonly #waiting: (() => void)[] = []
  #parts = 0

  constructor({ baseUrl, signal, patienceMs = defaultPatienceMs }: SourceOptions) {
    this.#baseUrl = baseUrl.replace(/\/$/, '')
    this.#url = new URL(this.#baseUrl)
    this.#client = baseUrl.startsWith('https:') ? https : http
    this.#agent = new this.#client.Agent({ keepAlive: true })
    this.#signal = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal
    this.#patienceMs = patienceMs
  }

  /** A whole file of at most `maxBytes`. Throws FetchFailed. */
  async fetchFile(path: string, maxBytes: number): Promise<Buffer> {
    let parts: Buffer[] = []
    let sizeBytes = 0
    await this.#patiently(() => {
      parts = []
      sizeBytes = 0
      return this.#attempt({
        path,
        headers: {},
        expect: (response, url) => expectStatus(response, url, 200),
        take: (bytes) => {
          parts.push(bytes)
          sizeBytes += bytes.length
          this.bytesFetched += bytes.length
          if (sizeBytes <= maxBytes) return
          throw new FetchFailed(this.#baseUrl + path, `it has over ${maxBytes} bytes`, { status: 200 })
        },
      })
    })
    return Buffer.concat(parts)
  }

  /**
   * Fills `target` with the bytes of a pack from `start` on. `isFresh` asks caches on the way to look again. Throws
   * FetchFailed.
   */
  fetchRange(packId: string, start: number, target: Uint8Array, isFresh = false): Promise<void> {
    return this.fetchPart(`/packs/${packId}`, start, target, isFresh)
  }

  /** The same of any file of the boot plane. */
  async fetchPart(path: string, start: number, target: Uint8Array, isFresh = false): Promise<void> {
    const headers: Record<string, string> = isFresh ? { 'cache-control': 'no-cache' } : {}
    let filled = 0
    const take = (count: number) => {
      filled += count
      this.bytesFetched += count
    }
    await this.#patiently(() =>
      this.#inTurn(() => {
        const rest = { start: start + filled, target: target.subarray(filled), headers }
        const isPlain = this.#url.protocol === 'http:'
        return isPlain ? this.#fetchDirectly(path, rest, take) : this.#fetchThroughClient(path, rest, take)
      }),
    )
  }

  /** In the order of the calls, `maxParts` at once. */
  async #inTurn(fetch: () => Promise<void>): Promise<void> {
    if (this.#parts < maxParts) this.#parts++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      this.#signal.throwIfAborted()
      await fetch()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#parts--
    }
  }

  async #fetchDirectly(path: string, range: WantedRange, take: (count: number) => void): Promise<void> {
    let connection = this.#idle.pop()
    while (connection && !connection.isOpen) connection = this.#idle.pop()
    connection ??= new RangeConnection(this.#url, stallMs)
    const destroy = () => connection.destroy()
    this.#signal.addEventListener('abort', destroy, { once: true })
    try {
      await connection.fetch(this.#url.pathname.replace(/\/$/, '') + path, range, take)
      this.#idle.push(connection)
    } catch (error) {
      if (!(error instanceof RangeRefused)) throw error
      throw new FetchFailed(this.#baseUrl + path, error.message, { status: error.status, cause: error })
    } finally {
      this.#signal.removeEventListener('abort', destroy)
    }
  }

  /** For https: the same through node:https, which knows TLS. */
  async #fetchThroughClient(path: string, range: WantedRange, take: (count: number) => void): Promise<void> {
    const { start, target, headers } = range
    let filled = 0
    await this.#attempt({
      path,
      headers: { ...headers, range: `bytes=${start}-${start + target.length - 1}` },
      expect: (response, url) => expectRange(response, url, start),
      take: (part) => {
        const wanted = part.subarray(0, target.length - filled)
        target.set(wanted, filled)
        filled += wanted.length
        take(wanted.length)
      },
    })
    if (filled < target.length) throw new Error(`the answer ended after ${filled} of ${target.length} bytes`)
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new FetchFailed(this.#baseUrl, 'the fetch was given up'))
    this.#agent.destroy()
    for (const connection of this.#idle) connection.destroy()
  }

  async #patiently(attempt: () => Promise<void>): Promise<void> {
    let fetched = this.bytesFetched
    let lastByteAt = performance.now()
    for (let failures = 1; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        this.#signal.throwIfAborted()
        if (error instanceof FetchFailed && !isPassing(error.status)) throw error
        if (this.bytesFetched > fetched) {
          fetched = this.bytesFetched
          lastByteAt = performance.now()
          failures = 1
        }
        if (performance.now() - lastByteAt > this.#patienceMs) throw this.#givenUp(error as Error)
      }
      await backOff(failures, this.#signal)
    }
  }

  #givenUp(error: Error): FetchFailed {
    const seconds = Math.round(this.#patienceMs / 1000)
    const reason = `nothing came for ${seconds} s, the last attempt: ${error.message}`
    return new FetchFailed(this.#baseUrl, reason, { cause: error })
  }

  #attempt({ path, headers, expect, take }: Attempt): Promise<void> {
    const url = this.#baseUrl + path
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const request = this.#client.get(url, {
      agent: this.#agent,
      headers,
      timeout: stallMs,
      signal: this.#signal,
    })
    const fail = (error: Error) => {
      request.destroy()
      reject(error)
    }
    request.on('error', fail)
    request.on('timeout', () => fail(new Error(`nothing came for ${stallMs / 1000} s`)))
    request.on('response', (response) => {
      response.on('error', fail)
      response.on('close', () => (response.complete ? resolve() : reject(new Error('the connection broke off'))))
      try {
        expect(response, url)
      } catch (error) {
        return fail(error as Error)
      }
      response.on('data', (bytes: Buffer) => {
        try {
          take(bytes)
        } catch (error) {
          fail(error as Error)
        }
      })
    })
    return promise
  }
}

function expectStatus(response: http.IncomingMessage, url: string, status: number): void {
  if (response.statusCode === status) return
  throw new FetchFailed(url, `the server answered ${response.statusCode} ${response.statusMessage}`, {
    status: response.statusCode,
  })
}

function expectRange(response: http.IncomingMessage, url: string, start: number): void {
  expectStatus(response, url, 206)
  const range = response.headers['content-range'] ?? ''
  if (range.startsWith(`bytes ${start}-`)) return
  throw new FetchFailed(url, `the server answered another range than was asked for, "${range}"`, { status: 206 })
}

/** Answers of a server that is overloaded, or whose other half is just starting. */
function isPassing(status: number | undefined): boolean {
  return status !== undefined && (status >= 500 || status === 408 || status === 429)
}
