import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listVersions, type Repository } from '../image/repository.ts'
import { isName } from '../image/repository-layout.ts'
import { routeButterknife } from './butterknife-route.ts'
import { GrowthEnded } from './growing-file.ts'
import { clientAddress, isInNetworks } from './networks.ts'
import type { Publications } from './publications.ts'
import { defaultStreamTiming, type StreamTiming, sendStream } from './send-stream.ts'
import { chooseParent, findSnapshot, snapshotOf } from './snapshots.ts'
import { StreamNotMade, type StreamShelf } from './stream-shelf.ts'

export type ButterknifeOptions = {
  address: string
  /** 0 lets the kernel choose. */
  port: number
  /** Networks of proxies whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[]
  repository: Repository
  publications: Publications
  shelf: StreamShelf
  timing?: StreamTiming
  onListening?(port: number): void
  onFault(error: unknown): void
  signal: AbortSignal
}

const mostConnections = 1024
const idleMs = 300_000

/**
 * The Butterknife API, to be read only: images, their versions as snapshots, and btrfs streams of these, for whom they
 * are published to; for everybody else there is nothing. Runs until the signal aborts; rejects when it cannot listen.
 */
export function serveButterknife(options: ButterknifeOptions): Promise<void> {
  const server = createServer({ headersTimeout: 20_000, requestTimeout: 60_000 })
  server.maxConnections = mostConnections
  server.setTimeout(idleMs)
  server.on('request', (request, response) => {
    answer(options, request, response).catch((error) => {
      // The shelf told of those by itself, once for all clients that wait.
      if (!(error instanceof StreamNotMade) && !(error instanceof GrowthEnded)) options.onFault(error)
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { title: 'Our fault', detail: 'The server failed at this; its log says more' })
    })
  })
  return listenUntilAborted(server, options)
}

async function answer(options: ButterknifeOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return sendJson(response, 405, { title: 'Not allowed', detail: 'images are only read here' })
  }
  const route = routeButterknife(request.url ?? '/')
  if (route.kind === 'missing') return sendMissing(response)
  const client = clientOf(request, options)
  if (route.kind === 'containers') return sendJson(response, 200, { containers: await listContainers(options, client) })
  const publication = isName(route.image) ? await options.publications.find(route.image) : undefined
  if (!publication || !isInNetworks(client, publication.networks)) return sendMissing(response)
  const versions = await listVersions(options.repository, publication.image)
  switch (route.kind) {
    case 'container':
      return sendJson(response, 200, { name: publication.image, disk_usage: versions[0]?.sizeBytes ?? 0 })
    case 'snapshots':
      return sendJson(response, 200, { snapshots: versions.map(snapshotOf) })
  }
  const version = findSnapshot(versions, route.snapshot)
  if (!version) return sendMissing(response, `${route.image} has no snapshot "${route.snapshot}"`)
  const choice = chooseParent(versions, version, route)
  if (choice.kind === 'unknown') return sendMissing(response, `${route.image} has no other snapshot "${choice.name}"`)
  const parent = choice.kind === 'against' ? choice.parent : undefined
  if (request.method === 'HEAD') return sendHead(response)
  const from = parent ? `_from_${snapshotOf(parent).name}` : ''
  await sendStream(request, response, {
    fileName: `${publication.image}_snapshot_${snapshotOf(version).name}${from}.far`,
    prepare: () => options.shelf.open({ version: version.id, ...(parent && { parent: parent.id }) }),
    timing: options.timing ?? defaultStreamTiming,
  })
}

/** Asking what a stream is like is no reason to make it. */
function sendHead(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/btrfs-stream', 'content-encoding': 'gzip' }).end()
}

async function listContainers({ publications }: ButterknifeOptions, client: string) {
  const visible = (await publications.list()).filter(({ networks }) => isInNetworks(client, networks))
  return visible.map(({ image, description }) => ({ name: image, description }))
}

function clientOf(request: IncomingMessage, { trustedProxies }: ButterknifeOptions): string {
  const header = request.headers['x-forwarded-for']
  const forwardedFor = Array.isArray(header) ? header.join(',') : header
  return clientAddress(request.socket.remoteAddress ?? '', forwardedFor, trustedProxies)
}

/** The same for what is not there and what is not for this client. */
function sendMissing(response: ServerResponse, detail = 'There is nothing here'): void {
  sendJson(response, 404, { title: 'Not found', detail })
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = Buffer.from(JSON.stringify(status < 400 ? value : { type: 'about:blank', status, ...value }))
  response.writeHead(status, {
    'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    'content-length': body.length,
    'cache-control': 'no-cache, no-store, must-revalidate',
  })
  response.end(body)
}

function listenUntilAborted(server: Server, options: ButterknifeOptions): Promise<void> {
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
