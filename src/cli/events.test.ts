import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from 'commander'
import { parseMac } from '../bytes/mac.ts'
import type { TimelineEvent } from '../core/timeline.ts'
import { parseSince } from './events.ts'
import { service } from './management.fixture.ts'

test('parseSince() takes a time ago and a time', () => {
  assert.equal(parseSince('2h', undefined, 10_000_000), 2_800_000)
  assert.equal(parseSince('7d', undefined, 700_000_000), 95_200_000)
  assert.equal(parseSince('2026-03-01T18:00:00Z'), Date.UTC(2026, 2, 1, 18))
})

for (const text of ['yesterday', '2w', '', '-1h']) {
  test(`parseSince() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseSince(text), InvalidArgumentError)
  })
}

test('the events of a machine, of a kind and since a time are listed; a kind that is none is refused by name', async (t) => {
  const { client, machines } = await service(t)
  await machines.set('rack-1', { macs: [parseMac('52:54:00:00:00:01')] })
  await machines.set('rack-2', { macs: [parseMac('52:54:00:00:00:02')] })
  await machines.set('rack-1', { intent: { kind: 'menu' } })
  const ask = async (query: string) => {
    const { events } = await client.request<{ events: TimelineEvent[] }>('GET', `/api/v1/events/?${query}`)
    return events.map(({ message }) => message)
  }
  assert.deepEqual(await ask('machine=rack-1&kind=intent'), ['the next network boot of rack-1 is menu'])
  assert.equal((await ask('kind=machine,intent')).length, 3)
  assert.equal((await ask(`since=${Date.now() + 1000}`)).length, 0)
  assert.equal((await ask('since=0')).length, 3)
  await assert.rejects(ask('kind=gossip'), /"gossip" is none; there are machine, intent/)
})

test('a stream of one kind begins where Last-Event-ID says', async (t) => {
  const { port, token, machines } = await service(t)
  for (const name of ['a', 'b', 'c']) await machines.set(name, { macs: [parseMac(`52:54:00:00:00:0${name}`)] })
  const left = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/events/stream?kind=machine`, {
    headers: { authorization: `Bearer ${token}`, 'last-event-id': '1' },
    signal: left.signal,
  })
  let text = ''
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.split('\n\n').length > 3) break
  }
  left.abort()
  assert.deepEqual(text.match(/^id: \d+$/gm), ['id: 2', 'id: 3'])
})
