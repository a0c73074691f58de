import { once } from 'node:events'
import { MessageChannel, Worker } from 'node:worker_threads'
import { answerForwarded, type ForwardedHandler } from './answer-forwarded.ts'
import type { ContentWorkerData, ContentWorkerMessage } from './content-worker.ts'
import type { AccessEvent, MoveEvent } from './server.ts'

export type ContentWorkerOptions = Omit<ContentWorkerData, 'forward'> & {
  /** Answers what is not a file; runs in this thread. */
  handler: ForwardedHandler
  onListening?(port: number): void
  onAccess?(event: AccessEvent): void
  onMove?(event: MoveEvent): void
  onFault(error: unknown): void
  signal: AbortSignal
}

/** The thread ended without being told to, and without saying why. */
export class ContentWorkerEnded extends Error {
  override readonly name = 'ContentWorkerEnded'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`The boot plane's HTTP thread ended by itself with code ${exitCode}`)
    this.exitCode = exitCode
  }
}

/** Runs the boot plane's listener in a thread of its own until the signal aborts; rejects when the thread dies. */
export async function runContentWorker(options: ContentWorkerOptions): Promise<void> {
  const { handler, onListening, onAccess, onMove, onFault, signal, ...settings } = options
  const { port1, port2 } = new MessageChannel()
  answerForwarded(port1, handler, onFault)
  const workerData: ContentWorkerData = { ...settings, forward: port2 }
  const worker = new Worker(new URL('./content-worker.ts', import.meta.url), { workerData, transferList: [port2] })
  worker.on('message', (message: ContentWorkerMessage) => {
    if (message.kind === 'listening') onListening?.(message.port)
    if (message.kind === 'access') onAccess?.(message.event)
    if (message.kind === 'move') onMove?.(message.event)
    if (message.kind === 'fault') onFault(message.error)
  })
  const stop = () => worker.postMessage('stop')
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const [exitCode] = await once(worker, 'exit') // rejects with the thread's uncaught error
    if (!signal.aborted) throw new ContentWorkerEnded(exitCode)
  } finally {
    signal.removeEventListener('abort', stop)
    port1.close()
  }
}
