import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { pino } from 'pino'
import { openImageShelf } from '../api/image-shelf.ts'
import { managementApp } from '../api/management.ts'
import { serveManagement } from '../api/management-listeners.ts'
import { Rebuilds } from '../api/rebuilds.ts'
import { Publications } from '../butterknife/publications.ts'
import { Departures } from '../deploy/departures.ts'
import { Deployments } from '../deploy/deployments.ts'
import { Errands } from '../deploy/errands.ts'
import { Machines } from '../deploy/machines.ts'
import { Ramroots } from '../deploy/ramroots.ts'
import { openSiteKeys } from '../deploy/site-keys.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { Updates } from '../deploy/updates.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { Webhooks } from '../timeline/webhooks.ts'
import { openClient } from './client.ts'

/** The management API on a unix socket and a TCP port of its own. */
export async function service(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-management-'))
  const keys = await openSiteKeys(join(directory, 'keys'))
  const db = await openStateDatabase(':memory:')
  const state = new StateChanges(db)
  const machines = new Machines(state)
  const deployments = new Deployments(state)
  const errands = new Errands(state)
  const ramroots = new Ramroots(state, Buffer.alloc(32, 1))
  const updates = new Updates(state, ramroots)
  const images = await openImageShelf({
    imageDirectory: join(directory, 'images'),
    buildCacheDirectory: join(directory, 'cache'),
    signingKey: keys.imageKey,
    versionsInUse: () => deployments.versionsInUse(),
  })
  const rebuilds = new Rebuilds({ state, images, bootTest: async () => undefined })
  const token = keys.managementToken
  const log = pino({ level: 'silent' })
  const publications = new Publications(join(directory, 'publications'))
  const explain = async () => ({ interface: 'none', answer: 'no packet server runs here' })
  const webhooks = new Webhooks([{ url: 'http://127.0.0.1:9/of-the-site' }], state)
  const app = managementApp(
    {
      ...{ state, machines, deployments, errands, ramroots, updates, images, rebuilds, publications, token, explain },
      ...{ rescueKeys: [], isServed: async (path) => path === 'known/vmlinuz', departures: new Departures() },
      webhooks,
      status: () => ({ ok: true }),
    },
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
  return {
    directory,
    socketPath,
    port,
    token,
    client,
    app,
    state,
    webhooks,
    machines,
    deployments,
    errands,
    images,
    keys,
  }
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
