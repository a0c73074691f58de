import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pino } from 'pino'
import { StateChanges } from './deploy/state-changes.ts'
import { parseSiteFile } from './dhcp/site-file.ts'
import { openStateDatabase } from './store/state-database.ts'
import { timelinePart } from './timeline-part.ts'

async function part(t: TestContext, webhooks: string) {
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const site = parseSiteFile(`interfaces: { eth1: { mode: listen } }\nwebhooks:\n${webhooks}`, 'site.yaml')
  return timelinePart(site, new StateChanges(db), pino({ level: 'silent' }))
}

test('timelinePart() takes webhooks with their secrets, and status has each', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-hook-'))
  t.after(() => rm(directory, { recursive: true }))
  const secretFile = join(directory, 'secret')
  await writeFile(secretFile, 'correct horse\n')
  const { status } = await part(t, `  - { url: 'https://user:secret@x.example/', secretFile: ${secretFile} }`)
  const place = { url: 'https://user:***@x.example/', deliveredThrough: 0, waiting: 0, lagSeconds: 0 }
  const expected = { ...place, source: 'site-file', isSigned: true }
  assert.deepEqual(await status(), { webhooks: [expected] })
})

for (const { title, webhooks, refusal } of [
  {
    title: 'a secret that is not there',
    webhooks: '  - { url: http://x/, secretFile: /none }',
    refusal: /:3:.*ENOENT/,
  },
  { title: 'one URL twice', webhooks: '  - url: http://x/\n  - url: http://x/', refusal: /:4:.*is there already/ },
  { title: 'what is no URL', webhooks: "  - url: 'http://['", refusal: /:3:.*not a URL/ },
  { title: 'a kind that is none', webhooks: '  - { url: http://x/, kinds: [gossip] }', refusal: /:3:.*kinds/ },
]) {
  test(`timelinePart() refuses ${title} with its place`, async (t) => {
    await assert.rejects(part(t, webhooks), refusal)
  })
}
