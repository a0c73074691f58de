import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { emptyBlock, gzipHeader, gzipParts } from './gzip-stream.ts'
import { sendStream } from './send-stream.ts'
import type { ShelvedStream } from './stream-shelf.ts'

const content = Buffer.alloc(1e6, 'a btrfs stream ')

/** A server of one stream that is prepared when the test says so. */
async function openServer(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'send-stream-'))
  const file = join(directory, 'stream.gz')
  const parts = (async function* () {
    yield content
  })()
  await writeFile(file, gzipParts(parts))
  const prepared = Promise.withResolvers<ShelvedStream>()
  const ended = Promise.withResolvers<unknown>()
  const server = createServer((request, response) => {
    sendStream(request, response, {
      fileName: 'x.far',
      prepare: () => prepared.promise,
      timing: { patienceMs: 5, signMs: 5 },
    }).then(ended.resolve, (error) => {
      ended.resolve(error)
      response.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await rm(directory, { recursive: true })
  })
  const ask = async () => {
    const request = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    return answer
  }
  return { file, ask, prepared, ended: ended.promise }
}

test('sendStream() keeps a connection alive while the stream is made, and what is sent is one gzip stream', async (t) => {
  const { file, ask, prepared } = await openServer(t)
  const answer = await ask()
  const handle = await open(file)
  const received: Buffer[] = []
  for await (const part of answer) {
    received.push(part as Buffer)
    const isAlive = Buffer.concat(received).length >= gzipHeader.length + 2 * emptyBlock.length
    if (isAlive) prepared.resolve({ id: 'a', handle })
  }
  assert.deepEqual(gunzipSync(Buffer.concat(received)), content)
})

test('sendStream() breaks the connection when a stream cannot be made after all', async (t) => {
  const { ask, prepared, ended } = await openServer(t)
  const answer = await ask()
  prepared.reject(new RangeError('no'))
  await assert.rejects(Array.fromAsync(answer), { code: 'ECONNRESET' })
  assert.ok((await ended) instanceof RangeError)
})

test('sendStream() ends quietly when the client leaves before there is anything', async (t) => {
  const { file, ask, prepared, ended } = await openServer(t)
  const answer = await ask()
  answer.destroy()
  await once(answer, 'close')
  prepared.resolve({ id: 'a', handle: await open(file) })
  assert.equal(await ended, undefined)
})
