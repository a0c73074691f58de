import { runContentWorker } from '../../src/content/run-content-worker.ts'

/* Serves an image directory on a free port of an address, as the service does; says the port. */

const [imageDirectory = '', address = '127.0.0.1'] = process.argv.slice(2)

await runContentWorker({
  address,
  port: 0,
  tree: [],
  imageDirectory,
  limits: { connectionsPerAddress: 1024 },
  handler: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
  onListening: (port) => process.send!(port),
  onFault: (error) => console.error(error),
  signal: new AbortController().signal,
})
