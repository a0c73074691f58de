import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { TimelineEvent } from '../core/timeline.ts'
import { StateChanges } from '../deploy/state-changes.ts'
import { temporaryDirectory } from '../image/nasty-tree.fixture.ts'
import { openSigningKey } from '../image/signing-key.ts'
import { openStateDatabase } from '../store/state-database.ts'
import { openImageShelf } from './image-shelf.ts'
import { type BootTest, type RebuildSettings, Rebuilds } from './rebuilds.ts'

const stanza = (name: string, version: string) =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`

/** A chroot as a model, looked at every hour. */
async function site(t: TestContext, settings: Partial<RebuildSettings> = {}, bootTest: BootTest = async () => {}) {
  const directory = temporaryDirectory(t)
  const model = path.join(directory, 'model')
  const clock = { now: Date.now() }
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => clock.now)
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const images = await openImageShelf({
    imageDirectory: path.join(directory, 'images'),
    buildCacheDirectory: path.join(directory, 'cache'),
    signingKey: await openSigningKey(path.join(directory, 'keys')),
    versionsInUse: async () => [],
  })
  const write = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(model, file)), { recursive: true })
    fs.writeFileSync(path.join(model, file), text)
  }
  write('var/lib/dpkg/status', stanza('vim', '1'))
  write('var/log/syslog', 'noise')
  const rebuilds = new Rebuilds({ state, images, bootTest })
  const source = { kind: 'directory' as const, path: model }
  await rebuilds.set('web', { source, cleanUp: ['logfiles'], every: '1h', promotion: 'at-once', ...settings })
  const tags = async () => (await images.list()).find(({ name }) => name === 'web')?.tags ?? {}
  return { clock, events, images, rebuilds, write, tags }
}

test('lookAtDue() builds at its time, and again when the packages of the model have changed', async (t) => {
  const { clock, events, rebuilds, write, tags } = await site(t)
  await rebuilds.lookAtDue()
  assert.deepEqual(await tags(), {}, 'its time has not come')
  clock.now += 3600_000
  await rebuilds.lookAtDue()
  const first = (await tags()).current
  assert.ok(first)
  write('var/log/syslog', 'more noise')
  write('etc/motd', 'changed, but no package')
  clock.now += 3600_000
  await rebuilds.lookAtDue()
  assert.equal((await rebuilds.get('web')).outcome?.kind, 'unchanged')
  write('var/lib/dpkg/status', stanza('vim', '2') + stanza('nginx', '1.22'))
  clock.now += 3600_000
  await rebuilds.lookAtDue()
  const { current, previous } = await tags()
  assert.deepEqual([previous, current === first], [first, false])
  assert.deepEqual(
    events.map(({ message }) => message.replace(/[0-9a-f]{12}/, 'VERSION')),
    [
      'web was rebuilt: VERSION; it is current',
      'web was rebuilt: VERSION: nginx (new) → 1.22, vim 1 → 2; it is current',
    ],
  )
})

test('run() leaves current where it is until the candidate has booted', async (t) => {
  const tested: string[] = []
  let boots = false
  const { rebuilds, write, tags } = await site(t, { promotion: 'boot-test' }, async (reference) => {
    tested.push(reference)
    if (!boots) throw new Error('no call from its disk')
  })
  const failed = await rebuilds.run('web')
  assert.equal(failed.kind, 'candidate')
  assert.match(failed.message, /its boot test failed: no call from its disk/)
  assert.deepEqual(Object.keys(await tags()), ['candidate'])
  assert.deepEqual(tested, [`web@${failed.version}`])
  boots = true
  write('var/lib/dpkg/status', stanza('vim', '2'))
  const promoted = await rebuilds.run('web')
  assert.deepEqual([promoted.kind, (await tags()).current], ['promoted', promoted.version])
})

test('run() tells what went wrong, and looks again at the next time', async (t) => {
  const { clock, events, rebuilds } = await site(t, { source: { kind: 'tar', path: '/nowhere/root.tar' } })
  const { kind, message } = await rebuilds.run('web')
  assert.equal(kind, 'failed')
  assert.match(message, /\/nowhere\/root\.tar: there is no such file/)
  assert.ok((await rebuilds.get('web')).dueAt > clock.now)
  assert.equal(events.length, 1)
  await assert.rejects(rebuilds.run('other'), /other is not rebuilt by itself/)
})

test('set() refuses to look for newer packages for what is no recipe', async (t) => {
  const { rebuilds } = await site(t)
  const settings = { cleanUp: [], every: '1h', promotion: 'at-once' as const, updates: 'security' as const }
  const source = { kind: 'tar' as const, path: '/srv/root.tar' }
  await assert.rejects(
    rebuilds.set('other', { source, ...settings }),
    /newer packages are looked for in the sources of a recipe/,
  )
})
