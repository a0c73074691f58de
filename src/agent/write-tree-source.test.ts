import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { VersionSource } from './write-tree-source.ts'

type Held = { response: ServerResponse; start: number; end: number }

/** Answers range requests when `heldAtOnce` of them wait, and the rest when all have come; tells the most that waited. */
async function serveInGroups(t: TestContext, heldAtOnce: number, inAll: number) {
  const held: Held[] = []
  const seen = { requests: 0, mostAtOnce: 0 }
  const server = createServer((request, response) => {
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(request.headers.range!)!
    held.push({ response, start: Number(start), end: Number(end) })
    seen.requests++
    seen.mostAtOnce = Math.max(seen.mostAtOnce, held.length)
    if (held.length < heldAtOnce && seen.requests < inAll) return
    for (const { response: answer, start: from, end: to } of held.splice(0)) {
      const bytes = Buffer.alloc(to + 1 - from, from % 251)
      answer.writeHead(206, { 'content-range': `bytes ${from}-${to}/*`, 'content-length': bytes.length }).end(bytes)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('fetchPart() fetches four parts at once, and each call gets its own bytes', { timeout: 60_000 }, async (t) => {
  const { seen, baseUrl } = await serveInGroups(t, 4, 10)
  using source = new VersionSource({ baseUrl })
  const targets = Array.from({ length: 10 }, () => new Uint8Array(1000))
  await Promise.all(targets.map((target, at) => source.fetchPart('/packs/a', at * 1000, target)))
  t.assert.equal(seen.mostAtOnce, 4)
  for (const [at, target] of targets.entries()) {
    t.assert.deepEqual(target, new Uint8Array(1000).fill((at * 1000) % 251), `part ${at}`)
  }
  t.assert.equal(source.bytesFetched, 10_000)
})

test('fetchPart() that waits for its turn ends when the source is closed', { timeout: 60_000 }, async (t) => {
  const { baseUrl } = await serveInGroups(t, 5, 6) // the fifth never comes, so none is answered
  const source = new VersionSource({ baseUrl })
  const fetches = Array.from({ length: 6 }, (_, at) => source.fetchPart('/packs/a', at, new Uint8Array(1)))
  source[Symbol.dispose]()
  const ends = await Promise.allSettled(fetches)
  t.assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(['rejected']))
})
