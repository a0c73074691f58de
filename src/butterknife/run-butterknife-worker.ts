import { once } from 'node:events'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type {
  ButterknifeWorkerData,
  ButterknifeWorkerMessage,
  RenditionAnswer,
  RenditionOrder,
} from './butterknife-worker.ts'
import type { StreamRequest } from './stream-shelf.ts'

export type ButterknifeWorkerOptions = Omit<ButterknifeWorkerData, 'renditions'> & {
  /** Makes a btrfs rendition where there is none; runs in this thread, which has the signing key. */
  ensureRendition: (request: StreamRequest, signal: AbortSignal) => Promise<unknown>
  onListening?(port: number): void
  onFault(error: unknown): void
  signal: AbortSignal
}

/** The thread ended without being told to, and without saying why. */
export class ButterknifeWorkerEnded extends Error {
  override readonly name = 'ButterknifeWorkerEnded'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`The thread of the Butterknife API ended by itself with code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** Runs the Butterknife API in a thread of its own until the signal aborts; rejects when the thread dies. */
export async function runButterknifeWorker(options: ButterknifeWorkerOptions): Promise<void> {
  const { ensureRendition, onListening, onFault, signal, ...settings } = options
  const { port1, port2 } = new MessageChannel()
  takeOrders(port1, (request) => ensureRendition(request, signal))
  const workerData: ButterknifeWorkerData = { ...settings, renditions: port2 }
  const worker = new Worker(new URL('./butterknife-worker.ts', import.meta.url), { workerData, transferList: [port2] })
  worker.on('message', (message: ButterknifeWorkerMessage) => {
    if (message.kind === 'listening') onListening?.(message.port)
    else onFault(message.error)
  })
  const stop = () => worker.postMessage('stop')
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const [exitCode] = await once(worker, 'exit') // rejects with the thread's uncaught error
    if (!signal.aborted) throw new ButterknifeWorkerEnded(exitCode)
  } finally {
    signal.removeEventListener('abort', stop)
    port1.close()
  }
}

function takeOrders(port: MessagePort, ensureRendition: (request: StreamRequest) => Promise<unknown>): void {
  port.on('message', ({ id, ...request }: RenditionOrder) => {
    ensureRendition(request).then(
      () => port.postMessage({ id } satisfies RenditionAnswer),
      ({ name, message }: Error) => port.postMessage({ id, failure: { name, message } } satisfies RenditionAnswer),
    )
  })
}
