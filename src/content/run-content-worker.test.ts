import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type ContentWorkerOptions, runContentWorker } from './run-content-worker.ts'

async function workerOptions(
  t: TestContext,
): Promise<ContentWorkerOptions & { stop(): void; listening: Promise<number> }> {
  const directory = await mkdtemp(join(tmpdir(), 'content-worker-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'loader'), 'MZ')
  const abort = new AbortController()
  const listening = Promise.withResolvers<number>()
  return {
    address: '127.0.0.1',
    port: 0,
    tree: [{ at: 'loader', file: join(directory, 'loader') }],
    imageDirectory: directory,
    handler: async ({ url }) => ({ status: 200, headers: {}, body: Buffer.from(url) }),
    onListening: listening.resolve,
    onFault: (error) => listening.reject(error),
    signal: abort.signal,
    stop: () => abort.abort(),
    listening: listening.promise,
  }
}

test('runContentWorker() serves files and forwards from a thread, and ends when told', async (t) => {
  const { stop, listening, ...options } = await workerOptions(t)
  const ended = runContentWorker(options)
  const url = `http://127.0.0.1:${await listening}`
  assert.equal(await (await fetch(`${url}/loader`)).text(), 'MZ')
  assert.equal(await (await fetch(`${url}/boot.ipxe?mac=x`)).text(), '/boot.ipxe?mac=x')
  stop()
  await ended
  await assert.rejects(fetch(url))
})

test('runContentWorker() rejects when it cannot listen', async (t) => {
  const { stop: _, listening: __, ...options } = await workerOptions(t)
  await assert.rejects(runContentWorker({ ...options, address: '192.0.2.1' }), /EADDRNOTAVAIL/)
})
