import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { oneLine } from '../core/one-line.ts'
import { backOff } from './back-off.ts'

/** The server answered that it will not: repeating the request does not help. */
export class ServerRefused extends Error {
  override readonly name = 'ServerRefused'
  readonly status: number
  /** The server's own words. */
  readonly detail: string

  constructor(method: string, path: string, status: number, detail: string) {
    super(`The server refused ${method} ${path} (${status}): ${detail}`)
    this.status = status
    this.detail = detail
  }
}

/** No usable answer for as long as the caller was willing to wait. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable'
  readonly attempts: number

  constructor(method: string, url: string, attempts: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`Cannot ${method} ${url} after ${attempts} attempts: ${why}; is the server running and reachable?`, { cause })
    this.attempts = attempts
  }
}

export type RequestOptions = {
  /** For one attempt, from connecting to the last byte. */
  timeoutMs?: number
  /** How long attempts are repeated; without it, until the server answers. */
  patienceMs?: number
  signal?: AbortSignal
  /** Told once when the server stops answering, and once when it answers again. */
  onTrouble?: (sentence: string) => void
}

/** A sealed script of 1 MiB fits. */
const responseLimitBytes = 4 << 20
const defaultTimeoutMs = 15_000

/** JSON over HTTP to the boot plane; retries with back-off whatever may pass by itself (network, 408, 429, 5xx). */
export class ServerClient {
  readonly baseUrl: string
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 4 })
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 4 })
  #session: string | undefined

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl
  }

  /** The bearer of every request from now on. */
  set session(session: string) {
    this.#session = session
  }

  /** The decoded JSON answer; undefined for 204. Throws ServerRefused, ServerUnreachable, or the signal's reason. */
  async request(method: 'GET' | 'POST', path: string, body: unknown, options: RequestOptions = {}): Promise<unknown> {
    const giveUpAt = performance.now() + (options.patienceMs ?? Number.POSITIVE_INFINITY)
    for (let attempt = 1; ; attempt++) {
      options.signal?.throwIfAborted()
      try {
        const answer = await this.#attempt(method, path, body, options)
        if (attempt > 2) options.onTrouble?.(`the server answers again after ${attempt} attempts`)
        return answer
      } catch (error) {
        options.signal?.throwIfAborted()
        if (error instanceof ServerRefused && !mayPass(error.status)) throw error
        if (performance.now() >= giveUpAt) throw new ServerUnreachable(method, this.baseUrl + path, attempt, error)
        if (attempt === 2) options.onTrouble?.(`${(error as Error).message}; trying on`)
        await backOff(attempt, options.signal)
      }
    }
  }

  async #attempt(method: string, path: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? defaultTimeoutMs)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    const { status, text } = await this.#exchange(method, path, body, signal)
    if (status < 200 || status > 299) throw new ServerRefused(method, path, status, problemDetail(text))
    return text === '' ? undefined : JSON.parse(text)
  }

  #exchange(
    method: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const secure = this.baseUrl.startsWith('https:')
    const payload = method === 'POST' ? JSON.stringify(body ?? {}) : undefined
    const headers: Record<string, string | number> = { accept: 'application/json' }
    if (this.#session !== undefined) headers.authorization = `Bearer ${this.#session}`
    if (payload !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = Buffer.byteLength(payload)
    }
    return new Promise((resolve, reject) => {
      const send = secure ? httpsRequest : httpRequest
      const request = send(
        this.baseUrl + path,
        { method, headers, signal, agent: secure ? this.#https : this.#http },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (part: string) => {
            text += part
            if (text.length > responseLimitBytes) response.destroy(new Error('its answer is longer than 4 MiB'))
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
          response.on('error', reject)
        },
      )
      request.on('error', reject)
      request.end(payload)
    })
  }
}

function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** RFC 9457's detail or title, or the start of whatever came. */
function problemDetail(text: string): string {
  try {
    const problem = JSON.parse(text) as { detail?: unknown; title?: unknown }
    return oneLine(String(problem.detail ?? problem.title ?? 'no reason given'), 500)
  } catch {
    return oneLine(text, 200) || 'no reason given'
  }
}
