import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import type { BootTree } from '../boot/tree.ts'
import { type ContentDirectories, type ContentRoute, routeContent } from './content-route.ts'
import type { HeaderFields } from './forward-protocol.ts'
import { Forwarder } from './forwarder.ts'
import { LinkLeavesRoot } from './link-leaves-root.ts'
import { formatListing, listDirectory } from './list-directory.ts'
import { type OpenFile, openInsideRoot, openTreeFile } from './open-file.ts'
import { readBody } from './read-body.ts'
import { redactUrl } from './redact-url.ts'
import { sendFile } from './send-file.ts'

/** One request, answered; nothing in it is secret, all of it is printable. */
export type AccessEvent = {
  remoteAddress: string
  method: string
  url: string
  status: number
  /** Of the body. */
  sentBytes: number
  durationMs: number
  /** False when the client left before the end. */
  isComplete: boolean
}

/** A file on its way: told while it moves, now and then, so that who is slow is known from who is gone. */
export type MoveEvent = Pick<AccessEvent, 'remoteAddress' | 'url'>

export type ContentLimits = {
  connections: number
  connectionsPerAddress: number
  bodyBytes: number
  /** How long the main thread may take for a forwarded request. */
  forwardMs: number
  /** A connection on which nothing moves for this long is closed: long, because slow readers are ordinary machines. */
  idleMs: number
  /** That a file moves is told once in so long. */
  moveMs: number
}

export const defaultContentLimits: ContentLimits = {
  connections: 4096,
  connectionsPerAddress: 64,
  bodyBytes: 1024 * 1024,
  forwardMs: 60_000,
  idleMs: 300_000,
  moveMs: 5000,
}

export type ContentOptions = ContentDirectories & {
  address: string
  /** 0 lets the kernel choose. */
  port: number
  tree: BootTree
  /** Answers what is not a file (answer-forwarded.ts). */
  forward: MessagePort
  limits?: Partial<ContentLimits>
  onListening?(port: number): void
  onAccess?(event: AccessEvent): void
  onMove?(event: MoveEvent): void
  /** Something of ours does not work: an unreadable file, not a client's doing. */
  onFault(error: unknown): void
  signal: AbortSignal
}

/** The boot plane's HTTP listener. Runs until the signal aborts; rejects when it cannot listen. */
export async function serveContent(options: ContentOptions): Promise<void> {
  const limits = { ...defaultContentLimits, ...options.limits }
  const forwarder = new Forwarder(options.forward, limits.forwardMs)
  const server = createServer({ headersTimeout: 20_000, requestTimeout: 60_000, keepAliveTimeout: 75_000 })
  server.maxConnections = limits.connections
  server.setTimeout(limits.idleMs)
  limitConnectionsPerAddress(server, limits.connectionsPerAddress)
  server.on('request', (request, response) => {
    answer({ request, response, options, limits, forwarder }).catch((error) => {
      options.onFault(error)
      response.destroy()
    })
  })
  try {
    await listenUntilAborted(server, options)
  } finally {
    forwarder.close()
  }
}

type Exchange = {
  request: IncomingMessage
  response: ServerResponse
  options: ContentOptions
  limits: ContentLimits
  forwarder: Forwarder
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, options } = exchange
  const startedAt = performance.now()
  const remoteAddress = request.socket.remoteAddress ?? ''
  const sentBytes = await answerRoute(exchange, routeContent(request.url ?? '/', options))
  options.onAccess?.({
    remoteAddress,
    method: request.method ?? '',
    url: redactUrl(request.url ?? ''),
    status: response.statusCode,
    sentBytes,
    durationMs: performance.now() - startedAt,
    isComplete: response.writableFinished || (response.writableEnded && !response.destroyed),
  })
}

/** Resolves to the bytes of the body. */
async function answerRoute(exchange: Exchange, route: ContentRoute): Promise<number> {
  const { request, response } = exchange
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  switch (route.kind) {
    case 'forward':
      return forward(exchange)
    case 'malformed':
      return sendText(response, 400, route.reason)
    case 'missing':
      return sendText(response, 404, route.reason)
    case 'tree':
      return isRead ? answerFile(exchange, route) : forward(exchange)
  }
  if (isRead) return answerFile(exchange, route)
  response.setHeader('allow', 'GET, HEAD')
  return sendText(response, 405, 'files are only read here')
}

type FileRoute = Extract<ContentRoute, { kind: 'tree' | 'file' }>

async function answerFile(exchange: Exchange, route: FileRoute): Promise<number> {
  const { request, response, options } = exchange
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(route, options.tree)
  } catch (error) {
    options.onFault(error)
    if (error instanceof LinkLeavesRoot) return sendText(response, 403, 'this file leads out of what is served')
    return sendText(response, 500, 'the server cannot read this file; its log says why')
  }
  if (file.kind === 'missing') {
    return route.kind === 'tree' ? answerDirectory(exchange, route.path) : sendText(response, 404, file.reason)
  }
  try {
    return await sendFile(request, response, file, { ...file, onMove: moveTeller(exchange) })
  } finally {
    await file.handle.close()
  }
}

function moveTeller({ request, options, limits }: Exchange): () => void {
  let toldAt = performance.now()
  return () => {
    const now = performance.now()
    if (now - toldAt < limits.moveMs) return
    toldAt = now
    options.onMove?.({ remoteAddress: request.socket.remoteAddress ?? '', url: redactUrl(request.url ?? '') })
  }
}

type ServedFile = OpenFile & { isImmutable: boolean; entityTag?: string }

/** Throws LinkLeavesRoot, FileUnreadable. */
async function open(route: FileRoute, tree: BootTree): Promise<ServedFile | { kind: 'missing'; reason: string }> {
  const isTree = route.kind === 'tree'
  const opened = isTree ? await openTreeFile(tree, route.path) : await openInsideRoot(route.file, [route.root])
  if (opened.kind === 'outside') throw new LinkLeavesRoot(opened.reason)
  if (opened.kind === 'missing') return opened
  return isTree ? { isImmutable: false, ...opened } : { ...route, ...opened }
}

/** A listing where the tree has a directory; for what it has not at all the main thread answers. */
async function answerDirectory(exchange: Exchange, path: string): Promise<number> {
  const { response, options } = exchange
  const entries = await listDirectory(options.tree, path)
  if (!entries) return forward(exchange)
  const names = path.split('/').filter((name) => name !== '')
  if (names.length > 0 && !path.endsWith('/')) {
    // Links of a listing are relative to it.
    response.setHeader('location', `/${names.map(encodeURIComponent).join('/')}/`)
    return sendText(response, 301, 'a directory')
  }
  return sendText(response, 200, formatListing(names.join('/'), entries), 'text/html')
}

async function forward({ request, response, limits, forwarder }: Exchange): Promise<number> {
  const body = await readBody(request, limits.bodyBytes)
  if (body.kind === 'gone') return 0
  if (body.kind === 'too-large') {
    response.setHeader('connection', 'close')
    return sendText(response, 413, `a body has at most ${limits.bodyBytes} bytes here`)
  }
  const outcome = await forwarder.ask({
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers as HeaderFields,
    body: body.bytes,
    remoteAddress: request.socket.remoteAddress ?? '',
  })
  if (outcome.kind === 'late') return sendText(response, 504, 'the service did not answer in time')
  if (outcome.kind === 'unavailable') {
    response.setHeader('retry-after', '2')
    return sendText(response, 503, outcome.reason)
  }
  const { status, headers, body: answerBody } = outcome.answer
  for (const [name, value] of Object.entries(headers)) {
    if (!connectionFields.has(name.toLowerCase())) response.setHeader(name, value)
  }
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304
  if (hasBody) response.setHeader('Content-Length', answerBody.length)
  response.writeHead(status).end(hasBody ? answerBody : undefined)
  return hasBody ? answerBody.length : 0
}

/** They belong to one connection or are ours to say (RFC 9110 §7.6.1). */
const connectionFields = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date'])

/** The body is left out of the answer to a HEAD by Node itself. */
function sendText(response: ServerResponse, status: number, text: string, type = 'text/plain'): number {
  const body = Buffer.from(`${text}\n`)
  response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Content-Length': body.length }).end(body)
  return body.length
}

function limitConnectionsPerAddress(server: Server, most: number): void {
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const count = (counts.get(address) ?? 0) + 1
    counts.set(address, count)
    socket.once('close', () => {
      const left = counts.get(address)! - 1
      if (left === 0) counts.delete(address)
      else counts.set(address, left)
    })
    if (count > most) socket.destroy()
  })
}

function listenUntilAborted(server: Server, options: ContentOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      server.close(() => resolve())
      server.closeAllConnections()
    }
    server.on('error', reject)
    server.listen(options.port, options.address, () => {
      options.onListening?.((server.address() as AddressInfo).port)
      if (options.signal.aborted) stop()
      else options.signal.addEventListener('abort', stop, { once: true })
    })
  })
}
