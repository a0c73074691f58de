import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { backOffMs } from './back-off.ts'
import { ServerClient, ServerRefused, ServerUnreachable } from './server-client.ts'

async function listen(handler: RequestListener, port = 0): Promise<{ server: Server; url: string; port: number }> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${address.port}`, port: address.port }
}

test('ServerClient carries the session and gives the decoded answer', async (t) => {
  const { server, url } = await listen((request, response) => {
    response.end(JSON.stringify({ bearer: request.headers.authorization }))
  })
  t.after(() => server.close().closeAllConnections())
  const client = new ServerClient(url)
  client.session = 's1'
  t.assert.deepEqual(await client.request('GET', '/agent/order', undefined), { bearer: 'Bearer s1' })
})

test('ServerClient gives a refusal at once, with the problem’s detail', async (t) => {
  let requests = 0
  const { server, url } = await listen((_request, response) => {
    requests++
    response.writeHead(409, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ title: 'Conflict', detail: 'the token was used before' }))
  })
  t.after(() => server.close().closeAllConnections())
  await t.assert.rejects(
    new ServerClient(url).request('POST', '/agent/session', {}),
    (error) =>
      error instanceof ServerRefused && error.status === 409 && error.message.includes('the token was used before'),
  )
  t.assert.equal(requests, 1)
})

test('ServerClient goes on when the server was killed and started again', async (t) => {
  const first = await listen((_request, response) => response.end('{}'))
  const client = new ServerClient(first.url)
  await client.request('POST', '/agent/progress', {})
  first.server.close().closeAllConnections()
  const troubles: string[] = []
  const answer = client.request(
    'POST',
    '/agent/progress',
    {},
    { onTrouble: (sentence) => void troubles.push(sentence) },
  )
  while (troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  const second = await listen((_request, response) => response.writeHead(204).end(), first.port)
  t.after(() => second.server.close().closeAllConnections())
  t.assert.equal(await answer, undefined)
})

test('ServerClient gives up when its patience ends and names the address', async (t) => {
  const { server, url } = await listen((_request, response) => response.writeHead(503).end())
  t.after(() => server.close().closeAllConnections())
  await t.assert.rejects(
    new ServerClient(url).request('POST', '/agent/progress', {}, { patienceMs: 300 }),
    (error) => error instanceof ServerUnreachable && error.message.includes(`${url}/agent/progress`),
  )
})

test('ServerClient ends an attempt that gets no answer at its deadline', async (t) => {
  const { server, url } = await listen(() => {})
  t.after(() => server.close().closeAllConnections())
  await t.assert.rejects(
    new ServerClient(url).request('GET', '/agent/order', undefined, { timeoutMs: 50, patienceMs: 1 }),
    ServerUnreachable,
  )
})

test('backOffMs() doubles to 15 s and is spread by half', (t) => {
  t.assert.deepEqual([backOffMs(1, 0), backOffMs(2, 0), backOffMs(100, 0)], [250, 500, 15_000])
  t.assert.equal(backOffMs(1, 0.999) < 130, true)
})
