import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { signWebhook } from '../timeline/sign-webhook.ts'
import type { ToldEvent } from '../timeline/webhook.ts'
import { service, until } from './management.fixture.ts'

type Told = { body: string; signature: string | undefined; events: ToldEvent[] }

/** A program that is told; `answer` is its status. */
async function receiver(t: TestContext) {
  const told: Told[] = []
  const here = { answer: 204, told, url: '' }
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const signature = request.headers['bootwright-signature'] as string | undefined
    if (here.answer < 300) told.push({ body, signature, events: JSON.parse(body).events })
    response.writeHead(here.answer).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  here.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`
  return here
}

/** A service that tells, and `bootwright` run beside it. */
async function site(t: TestContext) {
  const there = await service(t)
  const stop = new AbortController()
  const ended = there.webhooks.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await ended
  })
  const run = async (...args: string[]) => {
    const main = join(import.meta.dirname, 'main.ts')
    const child = spawn(process.execPath, [main, 'webhook', ...args, '--data', there.directory], { timeout: 60_000 })
    const code = new Promise((resolve) => child.on('close', resolve))
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: await code, stdout, stderr }
  }
  const tell = (message: string, kind: 'machine' | 'security') =>
    there.state.commit((change) => change.tell({ kind, message }))
  return { ...there, run, tell }
}

test('bootwright webhook adds a receiver, which is told at once, tests, lists and removes it', async (t) => {
  const [{ run, tell, directory }, here] = [await site(t), await receiver(t)]
  const secretFile = join(directory, 'secret')
  await writeFile(secretFile, 'correct horse\nand no more\n')
  const added = await run('add', here.url, '--kind', 'security', '--secret-file', secretFile)
  assert.deepEqual(added, { code: 0, stdout: '', stderr: '' })
  await tell('not this', 'machine')
  await tell('this', 'security')
  await until(async () => here.told.length === 1)
  assert.deepEqual(
    here.told[0]!.events.map(({ message }) => message),
    ['this'],
  )
  assert.equal((await run('test', here.url)).stdout, `${here.url} took it\n`)
  const { body, signature = '', events } = here.told[1]!
  assert.deepEqual([events[0]?.sequence, events[0]?.message], [0, 'a test of this webhook'])
  assert.equal(signature, signWebhook('correct horse', body, Number(/t=(\d+)/.exec(signature)?.[1])))
  const listed = (await run('list')).stdout
  assert.match(listed, new RegExp(`^${here.url}: up to date \\(security; signed\\)$`, 'm'))
  assert.doesNotMatch((await run('list', '--json')).stdout, /correct horse/)
  assert.match((await run('add', here.url)).stderr, /is there already; remove it first/)
  assert.equal((await run('remove', here.url)).code, 0)
  await tell('nobody hears this', 'security')
  assert.doesNotMatch((await run('list')).stdout, /told/)
  assert.equal(here.told.length, 2)
})

test('bootwright webhook says what a receiver answers, and what cannot be removed', async (t) => {
  const [{ run }, here] = [await site(t), await receiver(t)]
  here.answer = 500
  await run('add', here.url)
  const tested = await run('test', here.url)
  assert.deepEqual([tested.code, tested.stderr], [1, `bootwright: ${here.url} did not take it: it answered 500\n`])
  const ofSite = 'http://127.0.0.1:9/of-the-site'
  assert.match((await run('list')).stdout, /of-the-site: .*\(of the site file\)$/m)
  assert.match((await run('remove', ofSite)).stderr, /stands in the site file: take it out there/)
  assert.match((await run('remove', 'http://nobody/')).stderr, /There is no webhook http:\/\/nobody\//)
  assert.match((await run('add', 'ftp://x/')).stderr, /url/)
})

test('a receiver that was added is told after a restart of the service, with its password shown to nobody', async (t) => {
  const { state, webhooks, client } = await service(t)
  const here = await receiver(t)
  const url = here.url.replace('http://', 'http://operator:hunter22@')
  await client.request('POST', '/api/v1/webhooks/', { url })
  const shown = here.url.replace('http://', 'http://operator:***@')
  const listed = await client.request<{ webhooks: { url: string }[] }>('GET', '/api/v1/webhooks/')
  assert.ok(listed.webhooks.some((each) => each.url === shown))
  assert.doesNotMatch(JSON.stringify(listed), /hunter22/)
  const stop = new AbortController()
  const ended = webhooks.run(stop.signal)
  await until(async () => (await state.db.selectFrom('webhooks').selectAll().execute()).length === 2)
  await state.commit((change) => change.tell({ kind: 'machine', message: 'after the restart' }))
  await until(async () => here.told.length > 0)
  await client.request('DELETE', `/api/v1/webhooks/?url=${encodeURIComponent(shown)}`)
  assert.equal((await webhooks.list()).length, 1)
  stop.abort()
  await ended
})
