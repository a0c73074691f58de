import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { RecipeInvalid } from './build-errors.ts'
import { parseRecipe } from './recipe.ts'

const minimal = 'name: small\nsource: { kind: mmdebstrap, suite: host, variant: minbase }\n'

function problemsOf(text: string): readonly string[] {
  try {
    parseRecipe(text, 'r.yaml')
  } catch (error) {
    assert.ok(error instanceof RecipeInvalid, String(error))
    return error.problems
  }
  return []
}

test('parseRecipe() accepts the recipe of the trial', async () => {
  const path = join(import.meta.dirname, '../../recipes/debian-minimal.yaml')
  const recipe = parseRecipe(await readFile(path, 'utf8'), path)
  assert.equal(recipe.name, 'debian-minimal')
  assert.equal(recipe.source.suite, 'host')
})

test('parseRecipe() accepts JSON, which is YAML', () => {
  const source = { kind: 'mmdebstrap', suite: 'bookworm', variant: 'apt' }
  assert.equal(parseRecipe(JSON.stringify({ name: 'x', source }), 'r.json').source.variant, 'apt')
})

test('parseRecipe() names the place of every mistake', () => {
  assert.deepEqual(problemsOf(`${minimal}pakages: [a]\n`), ['pakages is not a name a recipe knows'])
  assert.deepEqual(problemsOf(`${minimal}packages: [less, "--oops"]\n`), ['packages.1 does not have the form it needs'])
  assert.deepEqual(problemsOf(`${minimal}hostname: "-x"\n`), ['hostname does not have the form it needs'])
  assert.match(problemsOf('name: [\n')[0] ?? '', /line 2|line 1/)
  assert.match(problemsOf('name: small\n')[0] ?? '', /source/)
})

test('parseRecipe() refuses a file without exactly one content', () => {
  assert.deepEqual(problemsOf(`${minimal}files:\n  - path: /a\n  - { path: /b, content: x, link: /c }\n`), [
    'the file /a needs exactly one of content, from and link, and has 0',
    'the file /b needs exactly one of content, from and link, and has 2',
  ])
})

test('parseRecipe() refuses a password in clear, and a user that stands there twice', () => {
  assert.notDeepEqual(problemsOf(`${minimal}users: [{ name: a, password: secret }]\n`), [])
  assert.deepEqual(problemsOf(`${minimal}users: [{ name: a }, { name: a }]\n`), ['the user a stands there twice'])
})
