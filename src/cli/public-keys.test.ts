import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readPublicKeys } from './public-keys.ts'

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFSxKtPjWXEgLXnZQNqT2KWmrPmCkTTYLtbwQxMjnhRx'

async function home(t: TestContext, files: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-keys-'))
  t.after(() => rm(directory, { recursive: true }))
  await mkdir(join(directory, '.ssh'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, '.ssh', name), text)
  return directory
}

test('readPublicKeys() takes the lines of an authorized_keys file, and each key once', async (t) => {
  const text = `# of the office\n${ed25519} ops@example\n\nno-pty ${ed25519}\r\n${ed25519} ops@example\n`
  const directory = await home(t, { keys: text })
  const found = await readPublicKeys([join(directory, '.ssh/keys')])
  assert.deepEqual(found, [`${ed25519} ops@example`, `no-pty ${ed25519}`])
})

test("readPublicKeys() takes the user's own public keys where none are named, and none where there are none", async (t) => {
  const directory = await home(t, { 'id_ed25519.pub': `${ed25519}\n`, id_ed25519: 'private', known_hosts: ed25519 })
  assert.deepEqual(await readPublicKeys(undefined, directory), [ed25519])
  assert.deepEqual(await readPublicKeys(undefined, join(directory, 'nobody')), [])
})

test('readPublicKeys() throws for a private key', async (t) => {
  const directory = await home(t, { id_ed25519: '-----BEGIN OPENSSH PRIVATE KEY-----\n' })
  await assert.rejects(readPublicKeys([join(directory, '.ssh/id_ed25519')]), /no public SSH key.*ends in \.pub/)
})
