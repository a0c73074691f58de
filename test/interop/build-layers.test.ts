import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { BuildFailed } from '../../src/build/build-errors.ts'
import { importRecipe } from '../../src/build/import-recipe.ts'
import { diffVersions } from '../../src/image/diff/diff-versions.ts'
import { openRepository, type Repository, readTree, type Version } from '../../src/image/repository.ts'
import { openSigningKey, type SigningKey } from '../../src/image/signing-key.ts'
import { canBuild } from './can-build.ts'

const base = `
name: base
source: { kind: mmdebstrap, suite: host, variant: apt }
packages: [usr-is-merged]
excludePaths: [/usr/share/locale/*, /usr/share/man/*, /usr/share/doc/*]
hostname: base-one
aptSources: [deb http://packages.example/debian stable main]
files: [{ path: /etc/level, content: base }]
`

const layer = `
name: layer
source: { kind: image, image: base }
packages: [less]
variables: { colour: green }
secrets: { licence: { file: licence } }
files:
  - { path: /etc/level, content: layer }
  - { path: /etc/colour, template: true, content: "colour={{ colour }}\\n" }
configure:
  - { kind: shell, from: settings, script: apply.sh }
commands:
  - sha256sum "$SECRETS/licence" | cut -d ' ' -f 1 > /etc/licence.sha256
  - echo noise > /var/log/noise.log
checks:
  - test "$(cat /etc/level)" = layer
  - less --version
`

type Setting = { directory: string; repository: Repository; signingKey: SigningKey; steps: string[] }

test('recipes that build on other versions', async (t) => {
  if (!(await canBuild(t))) return
  const setting = await prepare(t)
  const first = await build(setting, 'base')
  await t.test('add to what they build on, and leave nothing of the building behind', () => addsToBase(setting, first))
  await t.test('are built anew when what they build on changes, and only then', () => followsBase(setting))
  await t.test('fail at their check, by name', () => failsAtCheck(setting))
  await t.test('fail where a secret would stay in the system', () => keepsNoSecret(setting))
})

async function prepare(t: TestContext): Promise<Setting> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-layers-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'settings'))
  await writeFile(join(directory, 'settings/apply.sh'), 'cp value /etc/applied\n')
  await writeFile(join(directory, 'settings/value'), 'by shell\n')
  await writeFile(join(directory, 'licence'), 'a licence key that must not stay\n')
  await writeFile(join(directory, 'base.yaml'), base)
  await writeFile(join(directory, 'layer.yaml'), layer)
  const repository = await openRepository(join(directory, 'images'))
  return { directory, repository, signingKey: await openSigningKey(join(directory, 'keys')), steps: [] }
}

async function build(setting: Setting, name: string): Promise<Version> {
  const { directory, repository, signingKey, steps } = setting
  steps.length = 0
  const { version } = await importRecipe(repository, join(directory, `${name}.yaml`), {
    ...{ image: name, signingKey, cacheDirectory: join(directory, 'cache') },
    onBuild: ({ step }) => void steps.push(step),
  })
  return version
}

async function addsToBase(setting: Setting, on: Version): Promise<void> {
  const version = await build(setting, 'layer')
  for (const step of ['install packages', 'sh apply.sh', 'check 2 of 2: less --version']) {
    assert.ok(setting.steps.includes(step), `${step}: ${setting.steps.join(', ')}`)
  }
  const paths = await pathsOf(setting, version)
  for (const there of ['etc/colour', 'etc/applied', 'etc/licence.sha256', 'usr/bin/less', 'etc/apt/sources.list']) {
    assert.ok(paths.has(there), there)
  }
  const left = [...paths].filter((path) =>
    /^bootwright-|noise\.log|99mmdebstrap|^etc\/resolv\.conf$|^secrets/.test(path),
  )
  assert.deepEqual(left, [])
  const changes: string[] = []
  const { packages } = await diffVersions(setting.repository, on.id, version.id, {
    onFiles: (files) => void changes.push(...files.map(({ path }) => path)),
  })
  assert.deepEqual(
    packages.map(({ change, name }) => `${change} ${name}`),
    ['added less'],
  )
  assert.ok(!changes.some((path) => /^\/?etc\/(hostname|apt\/sources\.list)$/.test(path)), "these are the base's own")
}

async function followsBase(setting: Setting): Promise<void> {
  const before = await build(setting, 'layer')
  assert.ok(setting.steps.includes('use the finished build'), setting.steps.join(', '))
  await writeFile(join(setting.directory, 'base.yaml'), base.replace('base-one', 'base-two'))
  await build(setting, 'base')
  const after = await build(setting, 'layer')
  assert.ok(setting.steps.includes('unpack what it builds on'), setting.steps.join(', '))
  assert.notEqual(after.recipeHash, before.recipeHash)
}

async function failsAtCheck(setting: Setting): Promise<void> {
  await writeFile(
    join(setting.directory, 'wrong.yaml'),
    'name: wrong\nsource: { kind: image, image: base }\nchecks: [test -e /nowhere]\n',
  )
  await assert.rejects(build(setting, 'wrong'), (error) => {
    assert.ok(error instanceof BuildFailed, String(error))
    assert.equal(error.step, 'check 1 of 1: test -e /nowhere')
    return true
  })
}

async function keepsNoSecret(setting: Setting): Promise<void> {
  const recipe = `name: leaks
source: { kind: image, image: base }
secrets: { licence: { file: licence } }
commands: ['cp "$SECRETS/licence" /etc/licence']
`
  await writeFile(join(setting.directory, 'leaks.yaml'), recipe)
  await assert.rejects(build(setting, 'leaks'), /the secret licence is in the finished system/)
}

async function pathsOf({ repository }: Setting, { id }: Version): Promise<Set<string>> {
  return new Set((await readTree(repository, id)).entries.map(({ path }) => path))
}
