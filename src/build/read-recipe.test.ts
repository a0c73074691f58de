import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { YamlFileInvalid } from '../core/yaml-file.ts'
import { readRecipe } from './read-recipe.ts'

async function recipeIn(t: TestContext, rest: string, beside: Record<string, string> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-test-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const [name, text] of Object.entries(beside)) await writeFile(join(directory, name), text)
  const path = join(directory, 'recipe.yaml')
  await writeFile(path, `name: x\nsource: { kind: mmdebstrap, suite: host, variant: minbase }\n${rest}`)
  return path
}

test('readRecipe() reads keys, passwords and contents from beside the recipe', async (t) => {
  const path = await recipeIn(
    t,
    'users: [{ name: ann, password: { file: pw }, authorizedKeysFile: keys }]\nfiles: [{ path: /etc/motd, from: motd }]\n',
    { pw: 'secret\n', keys: '# mine\nssh-ed25519 AAAA\n\n', motd: 'hello' },
  )
  const { users, files } = await readRecipe(path)
  assert.deepEqual(users[0]?.authorizedKeys, ['ssh-ed25519 AAAA'])
  assert.match(users[0]?.passwordHash ?? '', /^\$y\$/)
  assert.equal(files[0]?.content?.toString(), 'hello')
})

test('readRecipe() hashes the same password of the same user to the same text, and of another user to another', async (t) => {
  process.env.BOOTWRIGHT_TEST_PASSWORD = 'secret'
  t.after(() => delete process.env.BOOTWRIGHT_TEST_PASSWORD)
  const password = 'password: { env: BOOTWRIGHT_TEST_PASSWORD }'
  const path = await recipeIn(t, `users: [{ name: ann, ${password} }, { name: bob, ${password} }]\n`)
  const [first, second] = [await readRecipe(path), await readRecipe(path)]
  assert.deepEqual(first.users, second.users)
  assert.notEqual(first.users[0]?.passwordHash, first.users[1]?.passwordHash)
})

test('readRecipe() names a file or variable that is not there', async (t) => {
  const missing = await recipeIn(t, 'files: [{ path: /etc/motd, from: motd }]\n')
  await assert.rejects(
    readRecipe(missing),
    (error) =>
      error instanceof YamlFileInvalid &&
      /recipe\.yaml:3:28: files\.0\.from: .*motd cannot be read/.test(error.message),
  )
  const unset = await recipeIn(t, 'users: [{ name: ann, password: { env: BOOTWRIGHT_TEST_UNSET } }]\n')
  await assert.rejects(readRecipe(unset), /environment variable BOOTWRIGHT_TEST_UNSET holds nothing/)
})
