import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { ContentOptions } from './server.ts'
import { type AccessEvent, type MoveEvent, serveContent } from './server.ts'

/** What the thread is started with; the forwarding port is in its transfer list. */
export type ContentWorkerData = Pick<ContentOptions, 'address' | 'port' | 'tree' | 'imageDirectory' | 'limits'> & {
  forward: MessagePort
}

export type ContentWorkerMessage =
  | { kind: 'listening'; port: number }
  | { kind: 'access'; event: AccessEvent }
  | { kind: 'move'; event: MoveEvent }
  | { kind: 'fault'; error: unknown }

/** Told to the thread by `'stop'`; it ends by itself once the listener is closed. */
const stop = new AbortController()
parentPort!.once('message', () => stop.abort())

const tell = (message: ContentWorkerMessage) => parentPort!.postMessage(message)

await serveContent({
  ...(workerData as ContentWorkerData),
  onListening: (port) => tell({ kind: 'listening', port }),
  onAccess: (event) => tell({ kind: 'access', event }),
  onMove: (event) => tell({ kind: 'move', event }),
  onFault: (error) => tell({ kind: 'fault', error }),
  signal: stop.signal,
})
parentPort!.close()
