import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { openImageShelf } from '../api/image-shelf.ts'
import { managementApp } from '../api/management.ts'
import { SocketInUse, serveManagement } from '../api/management-listeners.ts'
import { Publications } from '../butterknife/publications.ts'
import type { Machine } from '../core/machine.ts'
import { Deployments } from '../deploy/deployments.ts'
import { Machines } from '../deploy/machines.ts'
import { openSiteKeys } from '../deploy/site-keys.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { openClient, type ServiceError } from './client.ts'

/** The management API on a unix socket and a TCP port of its own. */
async function service(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-management-'))
  const keys = await openSiteKeys(join(directory, 'keys'))
  const db = await openStateDatabase(':memory:')
  const state = new StateChanges(db)
  const machines = new Machines(state)
  const images = await openImageShelf({
    imageDirectory: join(directory, 'images'),
    buildCacheDirectory: join(directory, 'cache'),
    signingKey: keys.imageKey,
  })
  const deployments = new Deployments(state)
  const token = keys.managementToken
  const log = pino({ level: 'silent' })
  const publications = new Publications(join(directory, 'publications'))
  const app = managementApp(
    { state, machines, deployments, images, publications, token, status: () => ({ ok: true }) },
    log,
  )
  const socketPath = join(directory, 'bootwright.sock')
  const port = await freePort()
  const stop = new AbortController()
  const ended = serveManagement(app, { socketPath, tcp: { host: '127.0.0.1', port } }, stop.signal)
  const client = openClient({ socketPath })
  t.after(async () => {
    stop.abort()
    await ended
    await db.destroy()
    await rm(directory, { recursive: true })
  })
  await until(async () => (await client.request<{ ok: boolean }>('GET', '/api/v1/status')).ok)
  return { directory, socketPath, port, token, client, app, machines }
}

test('management over TCP answers 401 without the token and 200 with it', async (t) => {
  const { port, token } = await service(t)
  const url = `http://127.0.0.1:${port}/api/v1/machines/`
  assert.equal(await statusOf(url), 401)
  assert.equal(await statusOf(url, { authorization: `Bearer ${token.slice(0, -1)}x` }), 401)
  assert.equal(await statusOf(url, { authorization: `Bearer ${token}` }), 200)
})

test('management takes local commands by the permissions of its socket', async (t) => {
  const { socketPath, client } = await service(t)
  assert.equal((await stat(socketPath)).mode & 0o777, 0o600)
  const settings = { macs: ['52:54:00:00:00:01'], address: '10.0.0.5' }
  const { machine } = await client.request<{ machine: Machine }>('PUT', '/api/v1/machines/rack-1', settings)
  assert.deepEqual([machine.name, machine.macs, machine.intent.kind], ['rack-1', ['52:54:00:00:00:01'], 'local'])
})

test('serveManagement() leaves a service that answers its socket alone', async (t) => {
  const { app, socketPath, client } = await service(t)
  const tcp = { host: '127.0.0.1', port: 0 }
  await assert.rejects(serveManagement(app, { socketPath, tcp }, new AbortController().signal), SocketInUse)
  await client.request('GET', '/api/v1/status')
})

test('PUT /machines/NAME refuses a MAC of another machine, and unknown fields', async (t) => {
  const { client } = await service(t)
  const macs = ['52:54:00:00:00:01']
  await client.request('PUT', '/api/v1/machines/one', { macs })
  const refused = async (name: string, body: object) =>
    client.request('PUT', `/api/v1/machines/${name}`, body).then(
      () => assert.fail('it was accepted'),
      (error: ServiceError) => error,
    )
  assert.match((await refused('two', { macs })).message, /already belongs to the machine "one"/)
  assert.equal((await refused('two', { macs: ['52:54:00:00:00:02'], colour: 'red' })).status, 400)
  assert.match((await refused('two', { macs: ['nonsense'] })).message, /"nonsense" is not six hexadecimal bytes/)
  assert.match((await refused('two', {})).message, /to make it, give at least one MAC address/)
})

test('GET /events/stream gives the past, then what happens, without a gap or a repeat', async (t) => {
  const { client, machines } = await service(t)
  await client.request('PUT', '/api/v1/machines/one', { macs: ['52:54:00:00:00:01'] })
  const stop = new AbortController()
  const seen: number[] = []
  const reading = (async () => {
    for await (const { sequence } of client.events({ machine: 'one', after: 0 }, stop.signal)) seen.push(sequence)
  })()
  await until(async () => seen.length === 1)
  for (const intent of ['discover', 'local', 'discover'] as const) await machines.set('one', { intent })
  await until(async () => seen.length === 4)
  stop.abort()
  await reading
  assert.deepEqual(seen, [1, 2, 3, 4])
})

test('POST /images/NAME/versions says what is wrong with a source and keeps nothing', async (t) => {
  const { client, directory } = await service(t)
  const lines: { kind: string; problem?: { detail: string } }[] = []
  const source = { kind: 'tar', path: join(directory, 'missing.tar') }
  for await (const line of client.lines<(typeof lines)[0]>('POST', '/api/v1/images/debian/versions', { source })) {
    lines.push(line)
  }
  assert.match(lines.at(-1)?.problem?.detail ?? '', /missing\.tar/)
  assert.deepEqual((await client.request<{ images: unknown[] }>('GET', '/api/v1/images/')).images, [])
})

test('PUT /publications/IMAGE refuses an image that is not there', async (t) => {
  const { client } = await service(t)
  const putting = client.request('PUT', '/api/v1/publications/debian', { networks: ['10.0.0.0/8'] })
  await assert.rejects(putting, { name: 'ServiceError', status: 404 })
  assert.deepEqual(await client.request('GET', '/api/v1/publications/'), { publications: [] })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    }).once('error', reject)
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
