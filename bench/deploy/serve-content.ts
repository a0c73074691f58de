import { join } from 'node:path'
import { runContentWorker } from '../../src/content/run-content-worker.ts'

/** The boot plane's own listener on the loopback interface: packs of `repository`, files of `ramdisk`. */
export async function serveContent(work: string, signal: AbortSignal): Promise<{ baseUrl: string }> {
  const { promise: listening, resolve, reject } = Promise.withResolvers<number>()
  const ended = runContentWorker({
    address: '127.0.0.1',
    port: 0,
    tree: [{ at: 'ramdisk', directory: join(work, 'ramdisk') }],
    imageDirectory: join(work, 'repository'),
    handler: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    onListening: resolve,
    onFault: reject,
    signal,
  })
  ended.catch(reject)
  return { baseUrl: `http://127.0.0.1:${await listening}` }
}
