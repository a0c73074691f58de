import assert from 'node:assert/strict'
import test from 'node:test'
import type { Release } from './apt-sources.ts'
import type { ReadRecipe } from './read-recipe.ts'
import { hashInputs, hashRecipe } from './recipe-hash.ts'

const base: ReadRecipe = {
  configurations: [],
  secrets: [],
  recipePath: '/a/r.yaml',
  recipe: { name: 'x', source: { kind: 'mmdebstrap', suite: 'host', variant: 'minbase' }, packages: ['less'] },
  users: [],
  files: [{ path: '/etc/motd', content: Buffer.from('one') }],
}
const release = (suite: string, digit: string): Release => ({
  uri: 'http://mirror.example/debian',
  suite,
  components: ['main'],
  inReleaseSha256: digit.repeat(64),
  dateSeconds: 1,
})

test('hashInputs() does not count where the recipe lies, its description, or the order of its names', () => {
  const { name, source, packages } = base.recipe
  const moved = { ...base, recipePath: '/b/r.yaml', recipe: { packages, source, name, description: 'words' } as never }
  assert.equal(hashInputs(moved, 'amd64'), hashInputs(base, 'amd64'))
})

test('hashInputs() counts packages, contents of files, users and architecture', () => {
  const others = [
    hashInputs(base, 'amd64'),
    hashInputs(base, 'arm64'),
    hashInputs({ ...base, recipe: { ...base.recipe, packages: ['more'] } }, 'amd64'),
    hashInputs({ ...base, files: [{ path: '/etc/motd', content: Buffer.from('two') }] }, 'amd64'),
    hashInputs({ ...base, users: [{ name: 'ann', authorizedKeys: [] }] }, 'amd64'),
    hashInputs({ ...base, secrets: [{ name: 'key', content: Buffer.from('one') }] }, 'amd64'),
    hashInputs({ ...base, secrets: [{ name: 'key', content: Buffer.from('two') }] }, 'amd64'),
    hashInputs(
      { ...base, configurations: [{ kind: 'shell', from: 'a', script: 's', directory: '/a', digest: '1' }] },
      'amd64',
    ),
    hashInputs({ ...base, recipe: { ...base.recipe, cleanUp: { logfiles: false } } }, 'amd64'),
  ]
  assert.equal(new Set(others).size, others.length)
})

test('hashRecipe() changes with what a mirror has, not with which mirror it is', () => {
  const [main, security] = [release('bookworm', '1'), release('bookworm-security', '2')]
  const hash = hashRecipe('i', [main, security])
  assert.equal(hashRecipe('i', [security, { ...main, uri: 'http://other.example/debian' }]), hash)
  assert.notEqual(hashRecipe('i', [main, release('bookworm-security', '3')]), hash)
})

test('hashInputs() of a layer counts the version it builds on, not the name by which that was found', () => {
  const layer = (image: string) => ({ ...base, recipe: { ...base.recipe, source: { kind: 'image' as const, image } } })
  assert.equal(hashInputs(layer('web:stable'), 'amd64', 'v1'), hashInputs(layer('web@v1'), 'amd64', 'v1'))
  assert.notEqual(hashInputs(layer('web:stable'), 'amd64', 'v1'), hashInputs(layer('web:stable'), 'amd64', 'v2'))
})
