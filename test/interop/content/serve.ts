import { runContentWorker } from '../../../src/content/run-content-worker.ts'

/*
 * Serves a directory as ramdisks and images on a free port of the loopback interface, from a worker thread as the
 * service does. Prints the port; ends when its standard input does.
 */

const [directory = ''] = process.argv.slice(2)
const stop = new AbortController()
process.stdin.on('end', () => stop.abort()).resume()

await runContentWorker({
  address: '127.0.0.1',
  port: 0,
  tree: [{ at: 'ramdisk', directory, isImmutable: true }],
  imageDirectory: directory,
  handler: async ({ method, body }) => ({ status: 200, headers: {}, body: Buffer.from(`${method} ${body.length}`) }),
  onListening: (port) => console.log(port),
  onFault: (error) => console.error(error),
  signal: stop.signal,
})
