import path from 'node:path'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openRepository } from '../image/repository.ts'
import { Publications } from './publications.ts'
import { serveButterknife } from './server.ts'
import { type StreamRequest, StreamShelf } from './stream-shelf.ts'

/** What the thread is started with; the port, over which renditions are ordered, is in its transfer list. */
export type ButterknifeWorkerData = {
  address: string
  port: number
  trustedProxies: readonly string[]
  imageDirectory: string
  /** For streams that are kept. */
  cacheDirectory: string
  mostCachedBytes: number
  publicationsDirectory: string
  renditions: MessagePort
}

export type ButterknifeWorkerMessage = { kind: 'listening'; port: number } | { kind: 'fault'; error: unknown }

/** To the thread that has the signing key, and back under the same number; `failure` is an error's message. */
export type RenditionOrder = StreamRequest & { id: number }
export type RenditionAnswer = { id: number; failure?: { name: string; message: string } }

const { renditions, ...data } = workerData as ButterknifeWorkerData
const stop = new AbortController()
parentPort!.once('message', () => stop.abort())
const tell = (message: ButterknifeWorkerMessage) => parentPort!.postMessage(message)
const onFault = (error: unknown) => tell({ kind: 'fault', error })

const waiting = new Map<number, (answer: RenditionAnswer) => void>()
renditions.on('message', (answer: RenditionAnswer) => waiting.get(answer.id)?.(answer))
let lastId = 0

async function ensureRendition(request: StreamRequest): Promise<void> {
  const id = ++lastId
  const { failure } = await new Promise<RenditionAnswer>((resolve) => {
    waiting.set(id, resolve)
    renditions.postMessage({ id, ...request } satisfies RenditionOrder)
  })
  waiting.delete(id)
  if (failure) throw Object.assign(new Error(failure.message), { name: failure.name })
}

const repository = await openRepository(data.imageDirectory)
await serveButterknife({
  address: data.address,
  port: data.port,
  trustedProxies: data.trustedProxies,
  repository,
  publications: new Publications(data.publicationsDirectory),
  shelf: await StreamShelf.open({
    repository,
    directory: path.resolve(data.cacheDirectory),
    mostBytes: data.mostCachedBytes,
    ensureRendition,
    onFault,
    signal: stop.signal,
  }),
  onListening: (port) => tell({ kind: 'listening', port }),
  onFault,
  signal: stop.signal,
})
renditions.close()
parentPort!.close()
