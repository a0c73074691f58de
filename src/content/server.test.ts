import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { answerForwarded, type ForwardedHandler } from './answer-forwarded.ts'
import { type AccessEvent, type ContentLimits, type MoveEvent, serveContent } from './server.ts'

let directory: string
const packId = 'ab'.repeat(32)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'content-'))
  await mkdir(join(directory, 'ramdisk', 'r1'), { recursive: true })
  await mkdir(join(directory, 'images', 'packs'), { recursive: true })
  await writeFile(join(directory, 'ramdisk', 'r1', 'vmlinuz'), '0123456789')
  await writeFile(join(directory, 'ramdisk', 'r1', 'empty'), '')
  await writeFile(join(directory, 'loader.efi'), 'MZ')
  await writeFile(join(directory, 'images', 'packs', `${packId}.pack`), 'pack')
  await writeFile(join(directory, 'ramdisk', 'r1', 'big'), '')
  await truncate(join(directory, 'ramdisk', 'r1', 'big'), 64 * 1024 * 1024)
})
after(() => rm(directory, { recursive: true }))

type Running = {
  port: number
  url: string
  accesses: AccessEvent[]
  moves: MoveEvent[]
  faults: unknown[]
  closeForward(): void
}

const echo: ForwardedHandler = async (request) => {
  const headers = { 'content-type': 'application/json', connection: 'close', 'set-cookie': ['a=1', 'b=2'] }
  return { status: 201, headers, body: Buffer.from(JSON.stringify({ ...request, body: [...request.body] })) }
}

/** A listener on a free port of the loopback interface, stopped when the test ends. */
async function serve(t: TestContext, handler = echo, limits: Partial<ContentLimits> = {}): Promise<Running> {
  const stop = new AbortController()
  const listening = Promise.withResolvers<number>()
  const { port1, port2 } = new MessageChannel()
  const accesses: AccessEvent[] = []
  const moves: MoveEvent[] = []
  const faults: unknown[] = []
  answerForwarded(port1, handler, (error) => faults.push(error))
  const ended = serveContent({
    address: '127.0.0.1',
    port: 0,
    tree: [
      { at: '', directory: join(directory, 'files') },
      { at: 'efi/loader.efi', file: join(directory, 'loader.efi') },
      { at: 'ramdisk', directory: join(directory, 'ramdisk'), isImmutable: true },
    ],
    imageDirectory: join(directory, 'images'),
    forward: port2,
    limits,
    onListening: listening.resolve,
    onAccess: (event) => accesses.push(event),
    onMove: (event) => moves.push(event),
    onFault: (error) => faults.push(error),
    signal: stop.signal,
  })
  t.after(async () => {
    stop.abort()
    await ended
    port1.close()
  })
  const port = await listening.promise
  return { port, url: `http://127.0.0.1:${port}`, accesses, moves, faults, closeForward: () => port1.close() }
}

/** The whole answer to bytes sent as they are; what fetch() would tidy up arrives untidied. */
async function raw(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`)
  return text(socket)
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadlineAt = Date.now() + 5000
  while (!isTrue()) {
    assert.ok(Date.now() < deadlineAt, 'the condition did not come true in 5 s')
    await new Promise(setImmediate)
  }
}

test('serveContent() sends a file whole, with its type and for good where its name is made from it', async (t) => {
  const { url } = await serve(t)
  const ramdisk = await fetch(`${url}/ramdisk/r1/vmlinuz`)
  assert.equal(await ramdisk.text(), '0123456789')
  assert.equal(ramdisk.headers.get('content-length'), '10')
  assert.match(ramdisk.headers.get('cache-control')!, /immutable/)
  const loader = await fetch(`${url}/efi/loader.efi`)
  assert.equal(await loader.text(), 'MZ')
  assert.equal(loader.headers.get('content-type'), 'application/efi')
  assert.equal(loader.headers.get('cache-control'), 'no-cache')
  assert.equal(await (await fetch(`${url}/packs/${packId}`)).text(), 'pack')
  assert.equal(await (await fetch(`${url}/ramdisk/r1/empty`)).text(), '')
})

test('serveContent() answers HEAD with the length and no body', async (t) => {
  const { url } = await serve(t)
  const head = await fetch(`${url}/ramdisk/r1/vmlinuz`, { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.headers.get('content-length'), '10')
  assert.equal(head.headers.get('accept-ranges'), 'bytes')
})

test('serveContent() tells of a file while it moves, and no more when its reader stands still', async (t) => {
  const { port, moves } = await serve(t, echo, { moveMs: 0 })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET /ramdisk/r1/big HTTP/1.1\r\nHost: x\r\n\r\n')
  let count = -1
  await until(() => moves.length > 0)
  assert.deepEqual(moves[0], { remoteAddress: '127.0.0.1', url: '/ramdisk/r1/big' })
  // Nobody reads: the socket's buffers fill.
  while (count !== moves.length) {
    count = moves.length
    await wait(200)
  }
  socket.resume()
  await until(() => moves.length > count)
})

test('serveContent() sends ranges', async (t) => {
  const { url } = await serve(t)
  const get = (headers: Record<string, string>) => fetch(`${url}/ramdisk/r1/vmlinuz`, { headers })
  const middle = await get({ range: 'bytes=2-4' })
  assert.deepEqual(
    [middle.status, middle.headers.get('content-range'), await middle.text()],
    [206, 'bytes 2-4/10', '234'],
  )
  assert.equal(await (await get({ range: 'bytes=-2' })).text(), '89')
  const beyond = await get({ range: 'bytes=10-' })
  assert.deepEqual([beyond.status, beyond.headers.get('content-range')], [416, 'bytes */10'])
  const otherFile = await get({ range: 'bytes=2-4', 'if-range': '"other"' })
  assert.deepEqual([otherFile.status, await otherFile.text()], [200, '0123456789'])
  const sameFile = await get({ range: 'bytes=2-4', 'if-range': middle.headers.get('etag')! })
  assert.equal(sameFile.status, 206)
  assert.equal((await get({ 'if-none-match': middle.headers.get('etag')! })).status, 304)
})

test('serveContent() names a pack by its hash, for every cache and every server that has it', async (t) => {
  const { url } = await serve(t)
  const { headers } = await fetch(`${url}/packs/${packId}`)
  assert.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable')
  assert.equal(headers.get('etag'), `"${packId}"`)
  const rest = { headers: { range: 'bytes=2-', 'if-range': `"${packId}"` } }
  const answer = await fetch(`${url}/packs/${packId}`, rest)
  assert.deepEqual([answer.status, await answer.text()], [206, 'ck'])
  assert.match((await fetch(`${url}/ramdisk/r1/vmlinuz`)).headers.get('etag')!, /^"[\da-z.-]+-[\da-z.]+-a"$/)
})

test('serveContent() refuses paths out of its directories, and writing', async (t) => {
  const { port } = await serve(t)
  for (const path of ['/ramdisk/../loader.efi', '/ramdisk/%2e%2e/loader.efi', '/../ramdisk/r1/vmlinuz']) {
    assert.match(await raw(port, `GET ${path} HTTP/1.1`), /^HTTP\/1.1 404/, path)
  }
  assert.match(await raw(port, 'GET /%ff HTTP/1.1'), /^HTTP\/1.1 400/)
  assert.match(await raw(port, `PUT /packs/${packId} HTTP/1.1`), /^HTTP\/1.1 405/)
})

test('serveContent() sends the files of the operator before its own, and lists both', async (t) => {
  const { url, faults } = await serve(t)
  const files = join(directory, 'files')
  await mkdir(join(files, 'pxelinux.cfg'), { recursive: true })
  await mkdir(join(files, 'efi'))
  await writeFile(join(files, 'efi', 'a <b>.CFG'), 'text')
  await symlink('../efi/a <b>.CFG', join(files, 'pxelinux.cfg', 'default'))
  await symlink('../../loader.efi', join(files, 'pxelinux.cfg', 'outside'))
  t.after(() => rm(files, { recursive: true }))
  assert.equal(await (await fetch(`${url}/pxelinux.cfg/default`)).text(), 'text')
  const config = await fetch(`${url}/efi/a%20%3Cb%3E.CFG`)
  assert.deepEqual([config.headers.get('content-type'), await config.text()], ['text/plain; charset=utf-8', 'text'])
  const refused = await fetch(`${url}/pxelinux.cfg/outside`)
  assert.deepEqual([refused.status, (await refused.text()).includes(directory)], [403, false])
  assert.match(String(faults), /outside leads to .*loader\.efi, which is not below/)
  const listing = await fetch(`${url}/efi`) // fetch follows the redirection
  assert.equal(listing.url, `${url}/efi/`)
  const names = [...(await listing.text()).matchAll(/<a href="([^"]*)">([^<]*)/g)].map(([, href, name]) => [href, name])
  assert.deepEqual(names, [
    ['../', '../'],
    ['./a%20%3Cb%3E.CFG', 'a &#60;b&#62;.CFG'],
    ['./loader.efi', 'loader.efi'],
  ])
  const top = await (await fetch(url)).text()
  assert.deepEqual(
    [...top.matchAll(/href="([^"]*)"/g)].map(([, href]) => href),
    ['./efi/', './pxelinux.cfg/', './ramdisk/'],
  )
  assert.equal((await fetch(`${url}/absent/`)).status, 201) // the main thread's
  assert.equal((await fetch(`${url}/efi/`, { method: 'HEAD' })).headers.get('content-type'), 'text/html; charset=utf-8')
})

test('serveContent() forwards the rest whole, and answers with the answer', async (t) => {
  const { url, accesses } = await serve(t)
  const body = new Uint8Array([0, 1, 255])
  const answer = await fetch(`${url}/agent/x?token=SECRET`, { method: 'POST', body, headers: { 'x-test': 'y' } })
  assert.equal(answer.status, 201)
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.notEqual(answer.headers.get('connection'), 'close')
  const request = (await answer.json()) as Record<string, unknown>
  assert.deepEqual(request.body, [0, 1, 255])
  assert.deepEqual([request.method, request.url], ['POST', '/agent/x?token=SECRET'])
  assert.equal(request.remoteAddress, '127.0.0.1')
  assert.equal((request.headers as Record<string, string>)['x-test'], 'y')
  await until(() => accesses.length === 1)
  assert.ok(!JSON.stringify(accesses).includes('SECRET'))
})

test('serveContent() refuses a body above its limit, announced or not', async (t) => {
  const { url } = await serve(t, echo, { bodyBytes: 1000 })
  const body = 'x'.repeat(1001)
  assert.equal((await fetch(`${url}/agent/x`, { method: 'POST', body })).status, 413)
  const stream = new Blob([body]).stream()
  const chunked = await fetch(`${url}/agent/x`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
  assert.equal(chunked.status, 413)
  assert.equal((await fetch(`${url}/agent/x`, { method: 'POST', body: body.slice(1) })).status, 201)
})

test('serveContent() answers 504 when the main thread is late and 503 when it is gone', async (t) => {
  const { url, closeForward } = await serve(t, () => new Promise(() => {}), { forwardMs: 20 })
  assert.equal((await fetch(`${url}/agent/x`)).status, 504)
  closeForward()
  let gone = await fetch(`${url}/agent/x`)
  while (gone.status === 504) gone = await fetch(`${url}/agent/x`) // until the port's end has come through
  assert.deepEqual([gone.status, gone.headers.get('retry-after')], [503, '2'])
  assert.equal((await fetch(`${url}/ramdisk/r1/vmlinuz`)).status, 200)
})

test('serveContent() answers 500 when the handler throws, and tells why on our side', async (t) => {
  const { url, faults } = await serve(t, () => Promise.reject(new Error('database is gone')))
  const answer = await fetch(`${url}/agent/x`)
  assert.deepEqual([answer.status, await answer.text()], [500, ''])
  assert.match(String(faults), /database is gone/)
})

test('serveContent() closes connections above the limit of an address', async (t) => {
  const { port } = await serve(t, echo, { connectionsPerAddress: 2 })
  const held = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  await Promise.all(held.map((socket) => once(socket, 'connect')))
  const third = connect(port, '127.0.0.1')
  third.on('error', () => {})
  await once(third, 'close')
  for (const socket of held) socket.destroy()
})

test('serveContent() gives up a reader that stands still, and lets go of the file', async (t) => {
  const { port, accesses } = await serve(t, echo, { idleMs: 100 })
  const request = httpRequest({ port, path: '/ramdisk/r1/big' })
  request.on('error', () => {})
  request.end()
  const [response] = await once(request, 'response')
  response.on('error', () => {})
  response.pause()
  await until(() => accesses.length === 1)
  assert.equal(accesses[0]!.isComplete, false)
  assert.ok(accesses[0]!.sentBytes < 64 * 1024 * 1024)
  request.destroy()
})
