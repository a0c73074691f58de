import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { openImageShelf } from '../../src/api/image-shelf.ts'
import { Rebuilds } from '../../src/api/rebuilds.ts'
import { BuildFailed } from '../../src/build/build-errors.ts'
import { importRecipe } from '../../src/build/import-recipe.ts'
import { StateChanges } from '../../src/deploy/state-changes.ts'
import { diffVersions } from '../../src/image/diff/diff-versions.ts'
import { importDirectory } from '../../src/image/import-directory.ts'
import { temporaryDirectory } from '../../src/image/nasty-tree.fixture.ts'
import { openRepository } from '../../src/image/repository.ts'
import { openSigningKey } from '../../src/image/signing-key.ts'
import { openStateDatabase } from '../../src/store/state-database.ts'
import { canBuild } from './can-build.ts'

const layerOn = (image: string, file: string) => `source: { kind: image, image: ${image} }
files: [{ path: /etc/${file}, content: it }]
commands: ['cat /etc/level > /etc/${file}-level']
checks: [test -s /etc/${file}-level]
`

test('layers on a system that knows no dpkg', async (t) => {
  if (!(await canBuild(t))) return
  const setting = await prepare(t)
  await t.test('have what they add, and nothing of the packages of the machine that builds', () => addsAlone(setting))
  await t.test('say what to do where they name packages', () => refusesPackages(setting))
  await t.test('are built anew by themselves when what they build on changes, one after the other', () =>
    followBases(t, setting),
  )
})

type Setting = Awaited<ReturnType<typeof prepare>>

/** A system of busybox alone. */
async function prepare(t: TestContext) {
  const directory = temporaryDirectory(t)
  const tree = join(directory, 'tree')
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'var/lib', 'var/cache', 'var/log']) {
    fs.mkdirSync(join(tree, name), { recursive: true })
  }
  fs.writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  fs.writeFileSync(join(tree, 'etc/group'), 'root:x:0:\n')
  fs.copyFileSync('/bin/busybox', join(tree, 'bin/busybox'))
  fs.chmodSync(join(tree, 'bin/busybox'), 0o755)
  for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') fs.symlinkSync('busybox', join(tree, 'bin', applet))
  }
  const repository = await openRepository(join(directory, 'images'))
  const signingKey = await openSigningKey(join(directory, 'keys'))
  const importBase = async (level: string) => {
    fs.writeFileSync(join(tree, 'etc/level'), level)
    return importDirectory(repository, tree, { image: 'base', signingKey })
  }
  const writeRecipe = (name: string, text: string) => {
    const path = join(directory, `${name}.yaml`)
    fs.writeFileSync(path, `name: ${name}\n${text}`)
    return path
  }
  return { directory, repository, signingKey, importBase, writeRecipe }
}

async function addsAlone({ directory, repository, signingKey, importBase, writeRecipe }: Setting): Promise<void> {
  const base = await importBase('one')
  const options = { image: 'layer', signingKey, cacheDirectory: join(directory, 'cache') }
  const { version } = await importRecipe(repository, writeRecipe('layer', layerOn('base', 'mine')), options)
  const added: string[] = []
  await diffVersions(repository, base.id, version.id, {
    onFiles: (files) =>
      void added.push(...files.filter(({ aspects = [] }) => aspects.join() !== 'time').map(({ path }) => path)),
  })
  // The nodes in /dev, which every system has anew at its boot, are mmdebstrap's.
  assert.deepEqual(added.filter((path) => !path.startsWith('dev/')).sort(), ['etc/mine', 'etc/mine-level'])
}

async function refusesPackages({ directory, repository, signingKey, writeRecipe }: Setting): Promise<void> {
  const recipe = writeRecipe('packages', 'source: { kind: image, image: base }\npackages: [less]\n')
  const options = { image: 'packages', signingKey, cacheDirectory: join(directory, 'cache') }
  await assert.rejects(importRecipe(repository, recipe, options), (error) => {
    assert.ok(error instanceof BuildFailed, String(error))
    assert.equal(error.step, 'install packages')
    assert.match(error.message, /has no apt: leave packages out, and install by commands/)
    return true
  })
}

async function followBases(t: TestContext, { directory, signingKey, importBase, writeRecipe }: Setting): Promise<void> {
  const db = await openStateDatabase(':memory:')
  t.after(() => db.destroy())
  const state = new StateChanges(db, () => 0)
  const images = await openImageShelf({
    ...{ imageDirectory: join(directory, 'images'), buildCacheDirectory: join(directory, 'cache'), signingKey },
    versionsInUse: async () => [],
  })
  const rebuilds = new Rebuilds({ state, images, bootTest: async () => {} })
  const settings = { cleanUp: [], every: '1d', promotion: 'at-once' as const }
  for (const [image, base] of [
    ['first', 'base'],
    ['second', 'first'],
  ] as const) {
    const path = writeRecipe(image, layerOn(base, image))
    await rebuilds.set(image, { ...settings, source: { kind: 'recipe', path } })
    assert.equal((await rebuilds.run(image)).kind, 'promoted')
  }
  const before = (await rebuilds.list()).map(({ outcome }) => outcome?.version)
  await rebuilds.lookAtDue()
  assert.deepEqual(
    (await rebuilds.list()).map(({ outcome }) => outcome?.version),
    before,
    'no base is another',
  )
  await importBase('two')
  await rebuilds.lookAtDue()
  for (const [index, { image, outcome }] of (await rebuilds.list()).entries()) {
    assert.equal(outcome?.kind, 'promoted', image)
    assert.notEqual(outcome.version, before[index])
  }
}
