import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openImageShelf } from '../../src/api/image-shelf.ts'
import { Rebuilds } from '../../src/api/rebuilds.ts'
import { findAptSources } from '../../src/build/apt-sources.ts'
import { findUpgrades } from '../../src/build/find-upgrades.ts'
import type { AptSourceEntry } from '../../src/build/recipe.ts'
import type { TimelineEvent } from '../../src/core/timeline.ts'
import { StateChanges } from '../../src/deploy/state-changes.ts'
import { temporaryDirectory } from '../../src/image/nasty-tree.fixture.ts'
import { openSigningKey } from '../../src/image/signing-key.ts'
import { ProgramFailed } from '../../src/programs/run-program.ts'
import { openStateDatabase } from '../../src/store/state-database.ts'
import { canBuild } from './can-build.ts'
import { DebianArchive } from './debian-archive.ts'

const installed = (name: string, version: string) =>
  `Package: ${name}\nStatus: install ok installed\nMaintainer: Test <test@test.example>\nArchitecture: all\nVersion: ${version}\nDescription: for a test\n`

test('findUpgrades() says by apt itself what a system that does not run would be upgraded to', async (t) => {
  const directory = temporaryDirectory(t)
  const archive = new DebianArchive(join(directory, 'archive'))
  const uri = `file:${archive.directory}`
  const query = (suites: readonly string[]) => ({
    status: [installed('tool', '1.0-1'), installed('plain', '1'), installed('own', '3')].join('\n'),
    sources: suites.map((suite) => ({ uri, suite, components: ['main'], signedBy: archive.keyring })),
    ...{ architecture: 'amd64', aptOptions: [], directory: fs.mkdtempSync(join(directory, 'apt-')) },
  })
  archive.publish('stable', 'Debian', [
    { name: 'tool', version: '1.0-1' },
    { name: 'own', version: '2' },
  ])
  assert.deepEqual(await findUpgrades(query(['stable'])), [])
  archive.publish('stable-security', 'Debian-Security', [{ name: 'tool', version: '1.0-1+deb1', depends: 'helper' }])
  archive.publish('stable', 'Debian', [
    { name: 'plain', version: '2' },
    { name: 'helper', version: '1' },
  ])
  assert.deepEqual(
    (await findUpgrades(query(['stable', 'stable-security']))).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: 'plain', from: '1', to: '2', isSecurity: false },
      { name: 'tool', from: '1.0-1', to: '1.0-1+deb1', isSecurity: true },
    ],
  )
  fs.appendFileSync(join(archive.directory, 'dists/stable/main/binary-amd64/Packages'), '\n')
  await assert.rejects(findUpgrades(query(['stable'])), ProgramFailed, 'what was not signed is not believed')
})

test('an image is built anew when its sources offer a security update, and only then', async (t) => {
  if (!(await canBuild(t))) return
  const directory = temporaryDirectory(t)
  const archive = new DebianArchive(join(directory, 'archive'))
  archive.publish('test', 'Test', [{ name: 'tool', version: '1' }])
  archive.publish('test-security', 'Test-Security', [])
  const { rebuilds, events } = await site(t, directory)
  await writeRecipe(t, join(directory, 'small.yaml'), archive)
  const source = { kind: 'recipe' as const, path: join(directory, 'small.yaml') }
  await rebuilds.set('small', { source, cleanUp: [], every: '1d', promotion: 'at-once', updates: 'security' })
  const first = await rebuilds.run('small')
  assert.equal(first.kind, 'promoted', first.message)
  archive.publish('test', 'Test', [
    { name: 'tool', version: '1' },
    { name: 'unrelated', version: '1' },
  ])
  const unchanged = await rebuilds.run('small')
  assert.deepEqual(
    [unchanged.kind, unchanged.message],
    ['unchanged', 'the recipe is as it was, and no newer packages for security are offered'],
  )
  archive.publish('test-security', 'Test-Security', [{ name: 'tool', version: '2' }])
  const second = await rebuilds.run('small')
  assert.equal(second.kind, 'promoted', second.message)
  assert.deepEqual(second.upgrades, [{ name: 'tool', from: '1', to: '2', isSecurity: true }])
  assert.match(
    events.at(-1)?.message ?? '',
    /^small was rebuilt: [0-9a-f]{12}, for security updates of tool: tool 1 → 2; it is current$/,
  )
})

async function site(t: TestContext, directory: string) {
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => Date.now())
  const events: TimelineEvent[] = []
  state.onEvent((event) => events.push(event))
  const images = await openImageShelf({
    ...{ imageDirectory: join(directory, 'images'), buildCacheDirectory: join(directory, 'cache') },
    signingKey: await openSigningKey(join(directory, 'keys')),
    versionsInUse: async () => [],
  })
  return { rebuilds: new Rebuilds({ state, images, bootTest: async () => {} }), events }
}

/** This machine's Debian, and beside it the archive, which is served to the build by HTTP. */
async function writeRecipe(t: TestContext, path: string, archive: DebianArchive): Promise<void> {
  const server = createServer((request, response) => {
    const file = join(archive.directory, decodeURIComponent(request.url ?? ''))
    if (fs.existsSync(file)) fs.createReadStream(file).pipe(response)
    else response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const debian = await findAptSources(
    { name: 'x', source: { kind: 'mmdebstrap', suite: 'host', variant: 'essential' } },
    { timeoutMs: 60_000 },
  )
  const own = (suite: string): AptSourceEntry => ({ uri, suite, components: ['main'], signedBy: archive.keyring })
  const recipe = {
    name: 'small',
    source: {
      ...{ kind: 'mmdebstrap', suite: 'host', variant: 'essential' },
      mirrors: [...debian.filter(({ suite }) => !suite.includes('-')), own('test'), own('test-security')],
    },
    packages: ['usr-is-merged', 'tool'],
    excludePaths: ['/usr/share/locale/*', '/usr/share/man/*', '/usr/share/doc/*'],
  }
  fs.writeFileSync(path, JSON.stringify(recipe))
}
