import { parentPort, workerData } from 'node:worker_threads'
import type { BootTree } from '../boot/tree.ts'
import { serveTftp, type TftpPlace } from './server.ts'
import type { TftpEvent } from './tftp-event.ts'

export type TftpWorkerData = { places: readonly TftpPlace[]; tree: BootTree }

/** Told to the thread by `'stop'`; it ends by itself once its sockets are closed. */
const stop = new AbortController()
parentPort!.once('message', () => stop.abort())

await serveTftp({
  ...(workerData as TftpWorkerData),
  onEvent: (event: TftpEvent) => parentPort!.postMessage(event),
  signal: stop.signal,
})
parentPort!.close()
