import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import type { TimelineEvent } from '../core/timeline.ts'

/** The service refused, or could not be reached; the message is for the operator. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly status: number | undefined

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause })
    this.status = status
  }
}

export type Client = {
  /** Sends JSON and gives the answer's JSON (undefined when it has no body). Throws ServiceError. */
  request<Answer>(method: string, path: string, body?: unknown): Promise<Answer>
  /** The answer's lines, each a JSON value, as they come. Throws ServiceError. */
  lines<Line>(method: string, path: string, body?: unknown): AsyncGenerator<Line>
  /** The answer's bytes, and how many there will be where the service knows. Throws ServiceError. */
  bytes(path: string): Promise<{ body: AsyncIterable<Buffer>; sizeBytes: number | undefined }>
  /** Timeline events as they happen, the past first; ends when the service goes away or the signal aborts. */
  events(query?: Record<string, string | number>, signal?: AbortSignal): AsyncGenerator<TimelineEvent>
}

const answerTimeoutMs = 60_000

/** Talks to the service over its unix socket. */
export function openClient({ socketPath }: { socketPath: string }): Client {
  return {
    async request(method, path, body) {
      const answer = await send(socketPath, method, path, body, AbortSignal.timeout(answerTimeoutMs))
      const text = await readText(answer)
      return (text === '' ? undefined : JSON.parse(text)) as never
    },
    async *lines(method, path, body) {
      const answer = await send(socketPath, method, path, body)
      for await (const line of createInterface({ input: answer })) if (line !== '') yield JSON.parse(line)
    },
    async bytes(path) {
      const answer = await send(socketPath, 'GET', path)
      const length = answer.headers['content-length']
      return { body: answer, sizeBytes: length === undefined ? undefined : Number(length) }
    },
    async *events(query = {}, signal) {
      const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
      const answer = await send(socketPath, 'GET', `/api/v1/events/stream?${search}`, undefined, signal)
      try {
        for await (const line of createInterface({ input: answer })) {
          if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as TimelineEvent
        }
      } catch (error) {
        if (!signal?.aborted) throw error
      } finally {
        answer.destroy()
      }
    },
  }
}

async function send(socketPath: string, method: string, path: string, body?: unknown, signal?: AbortSignal) {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const request = httpRequest({ socketPath, method, path, headers, ...(signal && { signal }) }, resolve)
    request.once('error', (cause) => reject(new ServiceError(unreachable(socketPath, cause), undefined, cause)))
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
  const status = answer.statusCode ?? 0
  if (status < 400) return answer
  const text = await readText(answer)
  throw new ServiceError(problemDetail(text) ?? `the service answered ${status}`, status)
}

async function readText(answer: IncomingMessage): Promise<string> {
  answer.setEncoding('utf8')
  let text = ''
  for await (const part of answer) text += part
  return text
}

function problemDetail(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail
  } catch {
    return undefined
  }
}

function unreachable(socketPath: string, cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `no service listens at ${socketPath}; start one with 'bootwright serve', or name its data directory with --data`
    case 'EACCES':
      return `${socketPath} is not yours to use: run this as the user the service runs as`
    default:
      return `cannot reach the service at ${socketPath}: ${cause.message}`
  }
}
