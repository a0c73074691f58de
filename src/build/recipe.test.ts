import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { YamlFileInvalid } from '../core/yaml-file.ts'
import { parseRecipe } from './recipe.ts'

const minimal = 'name: small\nsource: { kind: mmdebstrap, suite: host, variant: minbase }\n'

function problemsOf(text: string): readonly string[] {
  try {
    parseRecipe(text, 'r.yaml')
  } catch (error) {
    assert.ok(error instanceof YamlFileInvalid, String(error))
    return error.problems
  }
  return []
}

test('parseRecipe() accepts the recipe of the trial', async () => {
  const path = join(import.meta.dirname, '../../recipes/debian-minimal.yaml')
  const recipe = parseRecipe(await readFile(path, 'utf8'), path).content
  assert.equal(recipe.name, 'debian-minimal')
  assert.equal(recipe.source.suite, 'host')
})

test('parseRecipe() accepts JSON, which is YAML', () => {
  const source = { kind: 'mmdebstrap', suite: 'bookworm', variant: 'apt' }
  assert.equal(parseRecipe(JSON.stringify({ name: 'x', source }), 'r.json').content.source.variant, 'apt')
})

test('parseRecipe() names the place of every mistake', () => {
  assert.deepEqual(problemsOf(`${minimal}pakages: [a]\n`), ['r.yaml:3:1: pakages: there is no such name in a recipe'])
  assert.deepEqual(problemsOf(`${minimal}packages: [less, "--oops"]\n`), [
    'r.yaml:3:18: packages.1: it does not have the form it needs',
  ])
  assert.deepEqual(problemsOf(`${minimal}hostname: "-x"\n`), [
    'r.yaml:3:1: hostname: it does not have the form it needs',
  ])
  assert.match(problemsOf('name: [\n')[0] ?? '', /^r\.yaml:2:1: /)
  assert.match(problemsOf('name: small\n')[0] ?? '', /source/)
})

test('parseRecipe() refuses a file without exactly one content', () => {
  assert.deepEqual(problemsOf(`${minimal}files:\n  - path: /a\n  - { path: /b, content: x, link: /c }\n`), [
    'r.yaml:4:5: files.0: /a needs exactly one of content, from and link, and has 0',
    'r.yaml:5:5: files.1: /b needs exactly one of content, from and link, and has 2',
  ])
})

test('parseRecipe() refuses a password in clear, and a user that stands there twice', () => {
  assert.notDeepEqual(problemsOf(`${minimal}users: [{ name: a, password: secret }]\n`), [])
  assert.deepEqual(problemsOf(`${minimal}users: [{ name: a }, { name: a }]\n`), [
    'r.yaml:3:22: users.1: a stands there twice',
  ])
})
