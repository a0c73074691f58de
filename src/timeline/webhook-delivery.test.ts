import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { parseMac } from '../bytes/mac.ts'
import type { TimelineKind } from '../core/timeline.ts'
import { Machines } from '../deploy/machines.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { openStateDatabase } from '../store/state-database.ts'
import type { ToldEvent, Webhook } from './webhook.ts'
import { Webhooks } from './webhooks.ts'

const timing = { gatherMs: 5, attemptMs: 2000, firstBackOffMs: 10, longestBackOffMs: 40 }

type Taken = { headers: IncomingMessage['headers']; body: string; events: ToldEvent[] }

/** A receiver of the test's own, which can be stopped and started again at its port, and told how to answer. */
class Receiver {
  readonly taken: Taken[] = []
  answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end()
  attempts = 0
  port = 0
  #server: ReturnType<typeof createServer> | undefined

  async start(): Promise<void> {
    this.#server = createServer(async (request, response) => {
      this.attempts += 1
      let body = ''
      for await (const part of request.setEncoding('utf8')) body += part
      response.once('finish', () => {
        const { events } = JSON.parse(body) as { events: ToldEvent[] }
        if (response.statusCode < 300) this.taken.push({ headers: request.headers, body, events })
      })
      this.answer(response)
    })
    await new Promise<void>((resolve) => this.#server!.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server!.close(resolve))
    this.#server!.closeAllConnections()
    await closed
  }

  get messages(): string[] {
    return this.taken.flatMap(({ events }) => events.map(({ message }) => message))
  }
}

async function site(t: TestContext, hook: Omit<Webhook, 'url'> = {}) {
  const db = await openStateDatabase(':memory:')
  const receiver = new Receiver()
  await receiver.start()
  t.after(async () => {
    await receiver.stop()
    await db.destroy()
  })
  const url = `http://127.0.0.1:${receiver.port}/hook`
  const state = new StateChanges(db)
  const tell = (message: string, kind: TimelineKind = 'machine') =>
    state.commit((change) => change.tell({ kind, message }))
  return { state, receiver, tell, start: () => start(t, { url, ...hook }, state) }
}

/** Runs until stopped, at the end of the test at the latest. */
async function start(t: TestContext, hook: Webhook, state: StateChanges) {
  const stop = new AbortController()
  const webhooks = new Webhooks([hook], state, timing)
  const ended = webhooks.run(stop.signal)
  t.after(() => stop.abort())
  await until(() => isRecorded(state))
  const end = () => {
    stop.abort()
    return ended
  }
  return { webhooks, end }
}

/** From then on the receiver is told. */
async function isRecorded(state: StateChanges): Promise<boolean> {
  return (await state.db.selectFrom('webhooks').selectAll().execute()).length > 0
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 10 s')
    await wait(5)
  }
}

test('a new webhook is told what happens from now on, with the name of the machine', async (t) => {
  const { state, receiver, tell, start } = await site(t)
  await tell('before')
  await start()
  await new Machines(state).set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await until(() => receiver.messages.length > 0)
  assert.deepEqual(receiver.messages, ['rack-1 was added (52:54:00:00:00:01)'])
  assert.equal(receiver.taken[0]!.events[0]!.machine, 'rack-1')
})

test('only events of the kinds that are named are told', async (t) => {
  const { receiver, tell, start } = await site(t, { kinds: ['security'] })
  const { webhooks } = await start()
  await tell('not this')
  await tell('this', 'security')
  await until(() => receiver.messages.length > 0)
  assert.deepEqual(receiver.messages, ['this'])
  assert.equal((await webhooks.list())[0]!.waiting, 0)
})

test('the signature is of the very bytes and the time that are sent', async (t) => {
  const { receiver, tell, start } = await site(t, { secret: 'correct horse' })
  await start()
  await tell('é')
  await until(() => receiver.taken.length > 0)
  const { headers, body } = receiver.taken[0]!
  const match = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['bootwright-signature']))
  assert.ok(match)
  assert.equal(createHmac('sha256', 'correct horse').update(`${match[1]}.${body}`).digest('hex'), match[2])
  assert.ok(Math.abs(Number(match[1]) - Date.now() / 1000) < 60)
})

test('a receiver that dies and comes back gets every event in order; its death and return are told once', async (t) => {
  const { state, receiver, tell, start } = await site(t)
  const { webhooks } = await start()
  await tell('first')
  await until(() => receiver.messages.length === 1)
  await receiver.stop()
  const sent = Array.from({ length: 300 }, (_, index) => `event ${index}`)
  for (const message of sent) await tell(message)
  await until(async () => ((await webhooks.list())[0]!.failing?.attempts ?? 0) > 4)
  const [status] = await webhooks.list()
  assert.match(status!.failing!.reason, /ECONNREFUSED/)
  assert.ok(status!.waiting >= 300)
  await receiver.start()
  await until(() => receiver.messages.some((message) => message.includes('takes its events again')))
  const told = receiver.messages.filter((message) => message.includes('the webhook'))
  assert.equal(told.length, 2, told.join('\n'))
  assert.deepEqual(
    receiver.messages.filter((message) => /^(first|event \d+)$/.test(message)),
    ['first', ...sent],
  )
  assert.equal((await state.db.selectFrom('webhooks').selectAll().execute()).length, 1)
})

test('a slow receiver holds nobody up, and is asked again after its deadline', async (t) => {
  const { receiver, tell, start } = await site(t)
  const { webhooks } = await start()
  receiver.answer = () => undefined
  const startedAt = performance.now()
  for (let index = 0; index < 50; index++) await tell(`event ${index}`)
  assert.ok(performance.now() - startedAt < 2000)
  await until(async () => /did not answer within/.test((await webhooks.list())[0]!.failing?.reason ?? ''))
  receiver.answer = (response) => response.writeHead(200).end('thanks')
  await until(() => receiver.messages.includes('event 49'))
  const events = receiver.messages.filter((message) => message.startsWith('event '))
  assert.deepEqual([...new Set(events)].length, 50)
})

test('a refusal is no delivery: the same events come again, fewer at once', async (t) => {
  const { receiver, tell, start } = await site(t)
  const { end } = await start()
  receiver.answer = (response) => response.writeHead(receiver.attempts < 3 ? 413 : 204).end()
  for (const message of ['a', 'b', 'c']) await tell(message)
  await until(() => receiver.messages.length >= 3)
  assert.deepEqual(receiver.messages.slice(0, 3), ['a', 'b', 'c'])
  await end()
})

test('after a restart of the service the events of meanwhile are told', async (t) => {
  const { receiver, tell, start } = await site(t)
  const first = await start()
  await tell('one')
  await until(async () => receiver.messages.length === 1 && (await first.webhooks.list())[0]!.waiting === 0)
  await first.end()
  await tell('two')
  await start()
  await until(() => receiver.messages.length === 2)
  assert.deepEqual(receiver.messages, ['one', 'two'])
})
