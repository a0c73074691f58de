import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { TftpEvent } from './tftp-event.ts'
import type { TftpWorkerData } from './tftp-worker.ts'

/** The thread ended without being told to, and without saying why. */
export class TftpWorkerEnded extends Error {
  override readonly name = 'TftpWorkerEnded'

  constructor(exitCode: number) {
    super(`The TFTP thread ended by itself with code ${exitCode}`)
  }
}

/**
 * Serves TFTP in a thread of its own until the signal aborts: it stands still between packets, and nothing it does keeps DHCP
 * waiting. Rejects when the thread dies.
 */
export async function runTftpWorker(
  options: TftpWorkerData & { onEvent(event: TftpEvent): void; signal: AbortSignal },
): Promise<void> {
  const { onEvent, signal, ...workerData } = options
  const transferList = workerData.places.flatMap(({ scripts }) => scripts ?? [])
  const worker = new Worker(new URL('./tftp-worker.ts', import.meta.url), { workerData, transferList, name: 'tftp' })
  worker.on('message', onEvent)
  const stop = () => worker.postMessage('stop')
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    const [exitCode] = await once(worker, 'exit') // rejects with the thread's uncaught error
    if (!signal.aborted) throw new TftpWorkerEnded(exitCode)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
