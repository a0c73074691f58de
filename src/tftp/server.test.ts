import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { filesMounts } from '../boot/tree.ts'
import { answerForwarded } from '../content/answer-forwarded.ts'
import { openUdpSocket, type UdpSocket } from '../net/udp-socket.ts'
import type { TftpLimits } from './listener.ts'
import { decodePacket, encodePacket, type TftpPacket } from './packet.ts'
import { serveTftp } from './server.ts'
import type { TftpEvent } from './tftp-event.ts'

const deadlineMs = 5000

/** A client socket that keeps what it is sent, with the port it came from. */
class Client {
  readonly socket: UdpSocket
  readonly #received: { packet: TftpPacket; port: number }[] = []
  #wake = () => {}

  constructor(socket: UdpSocket) {
    this.socket = socket
    socket.on('message', (datagram, { port }) => {
      this.#received.push({ packet: decodePacket(Buffer.from(datagram)), port })
      this.#wake()
    })
  }

  send(packet: TftpPacket | Buffer, port: number): void {
    this.socket.send(Buffer.isBuffer(packet) ? packet : encodePacket(packet), port, '127.0.0.1')
  }

  async next(): Promise<{ packet: TftpPacket; port: number }> {
    const late = AbortSignal.timeout(deadlineMs)
    while (this.#received.length === 0) {
      assert.ok(!late.aborted, 'no packet came')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await Promise.race([promise, once(late, 'abort')])
    }
    return this.#received.shift()!
  }

  get waiting(): number {
    return this.#received.length
  }
}

async function serve(t: TestContext, limits: Partial<TftpLimits> = {}, scripts?: MessagePort) {
  const directory = await mkdtemp(join(tmpdir(), 'tftp-server-'))
  await writeFile(join(directory, 'file'), 'x'.repeat(1000))
  await writeFile(join(directory, 'other'), 'y'.repeat(100))
  await symlink('/etc/hostname', join(directory, 'outside'))
  const stop = new AbortController()
  const events: TftpEvent[] = []
  const listening = Promise.withResolvers<number>()
  const ended = serveTftp({
    places: [{ address: '127.0.0.1', ...(scripts && { scripts }) }],
    port: 0,
    longestWaitMs: 0,
    tree: filesMounts(directory, [], ['/var/lib/tftpboot']),
    limits,
    onEvent: (event) => events.push(event),
    onListening: listening.resolve,
    signal: stop.signal,
  })
  const clients: UdpSocket[] = []
  t.after(async () => {
    stop.abort()
    await ended
    for (const socket of clients) socket.close()
    await rm(directory, { recursive: true })
  })
  const port = await listening.promise
  const openClient = async () => {
    const socket = await openUdpSocket({ address: '127.0.0.1', port: 0, reuseAddress: false })
    clients.push(socket)
    return new Client(socket)
  }
  return { port, events, openClient, stop: () => stop.abort() }
}

const read = (filename: string, options: Record<string, string> = {}): TftpPacket => {
  return { kind: 'rrq', filename, mode: 'octet', options: new Map(Object.entries(options)) }
}

test('serveTftp() answers from a new port for each transfer, and data at once where no option is accepted', async (t) => {
  const { port, openClient, events } = await serve(t)
  const client = await openClient()
  client.send(read('/file', { multicast: '' }), port)
  const first = await client.next()
  assert.notEqual(first.port, port)
  assert.ok(first.packet.kind === 'data' && first.packet.block === 1 && first.packet.data.length === 512)
  client.send({ kind: 'ack', block: 1 }, first.port)
  const second = await client.next()
  assert.ok(second.packet.kind === 'data' && second.packet.block === 2 && second.packet.data.length === 488)
  client.send({ kind: 'ack', block: 2 }, first.port)
  while (events.length === 0) await new Promise(setImmediate)
  const { kind, path, remoteAddress } = events[0]!
  assert.deepEqual([kind, path, remoteAddress], ['sent', '/file', '127.0.0.1'])
})

test('serveTftp() confirms only the options it was asked for and knows', async (t) => {
  const { port, openClient } = await serve(t)
  const client = await openClient()
  client.send(read('file', { tsize: '0', blksize: '1432', unknown: 'x' }), port)
  const { packet } = await client.next()
  assert.ok(packet.kind === 'oack')
  assert.deepEqual(Object.fromEntries(packet.options), { tsize: '1000', blksize: '1432' })
})

/** Who makes the boot scripts: what it was asked stands in `asked`. */
function scriptMaker(status = 200) {
  const { port1, port2 } = new MessageChannel()
  const asked: string[] = []
  const handler = async ({ url, remoteAddress }: { url: string; remoteAddress: string }) => {
    asked.push(`${remoteAddress} ${url}`)
    return { status, headers: {}, body: Buffer.from('echo hello\n') }
  }
  answerForwarded(port1, handler, (error) => assert.fail(String(error)))
  return { scripts: port2, asked }
}

test('serveTftp() sends the boot script that is made for its client, and shows no boot token', async (t) => {
  const { scripts, asked } = scriptMaker()
  const { port, openClient, events } = await serve(t, {}, scripts)
  const client = await openClient()
  client.send(read('/boot.shim?mac=52-54&token=SECRET', { tsize: '0' }), port)
  const options = await client.next()
  assert.ok(options.packet.kind === 'oack' && options.packet.options.get('tsize') === '11')
  client.send({ kind: 'ack', block: 0 }, options.port)
  const { packet } = await client.next()
  assert.ok(packet.kind === 'data' && Buffer.from(packet.data).toString() === 'echo hello\n')
  client.send({ kind: 'ack', block: 1 }, options.port)
  while (events.length === 0) await new Promise(setImmediate)
  assert.deepEqual(asked, ['127.0.0.1 /boot.shim?mac=52-54&token=SECRET'])
  assert.equal(events[0]?.path, '/boot.shim?mac=52-54&token=…')
})

test('serveTftp() answers ERROR 1 where there is no such boot script', async (t) => {
  const { port, openClient, events } = await serve(t, {}, scriptMaker(400).scripts)
  const client = await openClient()
  client.send(read('/boot.shim?mac=x'), port)
  const { packet } = await client.next()
  assert.ok(packet.kind === 'error' && packet.code === 1)
  assert.equal(events[0]?.kind, 'missing')
})

const refusals: [string, TftpPacket, number, TftpEvent['kind']][] = [
  ['a missing file', read('absent'), 1, 'missing'],
  ['a path out of the tree', read('../../etc/passwd'), 1, 'missing'],
  ['a link out of the tree', read('outside'), 2, 'refused'],
  ['a write request', { kind: 'wrq', filename: 'file', mode: 'octet', options: new Map() }, 4, 'refused'],
  ['mode mail', { kind: 'rrq', filename: 'file', mode: 'mail', options: new Map() }, 4, 'refused'],
]
for (const [name, request, code, kind] of refusals) {
  test(`serveTftp() answers ${name} with ERROR ${code} at once`, async (t) => {
    const { port, openClient, events } = await serve(t)
    const client = await openClient()
    client.send(request, port)
    const { packet } = await client.next()
    assert.ok(packet.kind === 'error' && packet.code === code, JSON.stringify(packet))
    assert.equal(events[0]?.kind, kind)
  })
}

test('serveTftp() finds a file by the absolute path of an old configuration', async (t) => {
  const { port, openClient } = await serve(t)
  const client = await openClient()
  client.send(read('/var/lib/tftpboot//other'), port)
  const { packet } = await client.next()
  assert.ok(packet.kind === 'data' && packet.data.length === 100)
})

test('serveTftp() takes a repeated request for the same transfer', async (t) => {
  const { port, openClient } = await serve(t)
  const client = await openClient()
  for (let count = 0; count < 5; count++) client.send(read('file', { tsize: '0' }), port)
  const first = await client.next()
  client.send({ kind: 'ack', block: 0 }, first.port)
  const second = await client.next()
  assert.deepEqual([first.packet.kind, second.packet.kind, second.port], ['oack', 'data', first.port])
  assert.equal(client.waiting, 0)
})

test('serveTftp() replaces a transfer when the same port asks for another file', async (t) => {
  const { port, openClient, events } = await serve(t)
  const client = await openClient()
  client.send(read('file'), port)
  await client.next()
  client.send(read('other'), port)
  const kinds = [(await client.next()).packet, (await client.next()).packet]
  const data = kinds.find((packet) => packet.kind === 'data')
  assert.ok(data?.kind === 'data' && data.data.length === 100)
  assert.deepEqual([events[0]?.kind, events[0]?.path], ['aborted', 'file'])
})

test('serveTftp() answers a stranger on a transfer port with ERROR 5 and goes on', async (t) => {
  const { port, openClient } = await serve(t)
  const [client, stranger] = [await openClient(), await openClient()]
  client.send(read('file'), port)
  const first = await client.next()
  stranger.send({ kind: 'ack', block: 1 }, first.port)
  const answer = (await stranger.next()).packet
  assert.ok(answer.kind === 'error' && answer.code === 5)
  client.send({ kind: 'ack', block: 1 }, first.port)
  const second = (await client.next()).packet
  assert.ok(second.kind === 'data' && second.block === 2)
})

test('serveTftp() lets requests above its limits wait for their own retry', async (t) => {
  const { port, openClient, events } = await serve(t, { transfersPerAddress: 1 })
  const [first, second] = [await openClient(), await openClient()]
  first.send(read('file'), port)
  const { port: transferPort } = await first.next()
  second.send(read('file'), port)
  while (events.length === 0) await new Promise(setImmediate)
  assert.ok(events[0]!.kind === 'ignored' && /1 transfers to this address/.test(events[0]!.reason))
  first.send({ kind: 'error', code: 0, message: '' }, transferPort)
  while (events.length < 2) await new Promise(setImmediate)
  second.send(read('file'), port)
  assert.equal((await second.next()).packet.kind, 'data')
})

test('serveTftp() survives malformed packets and makes what it shows printable', async (t) => {
  const { port, openClient, events } = await serve(t)
  const client = await openClient()
  for (const bytes of [[], [0], [0, 1], [0, 1, 0x78], [0, 9, 0, 0], [0, 4, 0, 1], [0, 5, 0, 0, 0]]) {
    client.send(Buffer.from(bytes), port)
  }
  client.send(read('\x1b[2J'), port)
  const { packet } = await client.next()
  assert.ok(packet.kind === 'error' && packet.code === 1)
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['ignored', 'ignored', 'ignored', 'ignored', 'ignored', 'missing'],
  )
  assert.equal(events.at(-1)!.path, '\\u{1b}[2J')
})

test('serveTftp() tells its clients when it stops', async (t) => {
  const { port, openClient, stop } = await serve(t)
  const client = await openClient()
  client.send(read('file'), port)
  await client.next()
  stop()
  const { packet } = await client.next()
  assert.ok(packet.kind === 'error' && packet.message === 'the server stops')
})
