import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { SiteFileUnusable, siteRecipe } from './site.ts'

const trust = { imagePublicKeyPem: 'image key', orderPublicKeyPem: 'order key' }

async function emptyDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bootwright-site-'))
  t.after(() => rm(directory, { recursive: true }))
  return directory
}

async function pathsOf(site: Parameters<typeof siteRecipe>[0]): Promise<string[]> {
  return (await (await siteRecipe(site)).entries()).map(({ entry }) => entry.path)
}

test('siteRecipe() puts the trusted keys where the agent looks', async () => {
  assert.deepStrictEqual(await pathsOf({ trust }), ['etc/bootwright/trust/image.pub', 'etc/bootwright/trust/order.pub'])
})

test('siteRecipe() lays files of /bin, /sbin and /lib below /usr, keeps modes and symlinks', async (t) => {
  const overlay = await emptyDirectory(t)
  await mkdir(join(overlay, 'sbin'))
  await mkdir(join(overlay, 'lib/firmware'), { recursive: true })
  await writeFile(join(overlay, 'sbin/tool'), 'x')
  await chmod(join(overlay, 'sbin/tool'), 0o755)
  await writeFile(join(overlay, 'lib/firmware/card.bin'), 'x')
  await symlink('tool', join(overlay, 'sbin/alias'))
  const entries = (await (await siteRecipe({ trust, overlay })).entries()).slice(2).map(({ entry }) => entry)
  assert.deepStrictEqual(
    entries.map((entry) => [entry.kind, entry.path]),
    [
      ['directory', 'usr/lib/firmware'],
      ['bytes', 'usr/lib/firmware/card.bin'],
      ['symlink', 'usr/bin/alias'],
      ['bytes', 'usr/bin/tool'],
    ],
  )
  assert.strictEqual('mode' in entries[3]! && entries[3].mode, 0o755)
})

test('siteRecipe() inputs change with the content of a file', async (t) => {
  const overlay = await emptyDirectory(t)
  await writeFile(join(overlay, 'file'), 'one')
  const before = (await siteRecipe({ trust, overlay })).inputs
  await writeFile(join(overlay, 'file'), 'two')
  assert.notDeepStrictEqual((await siteRecipe({ trust, overlay })).inputs, before)
})

test('siteRecipe() refuses a missing CA bundle, one without a certificate, and a keymap that is text', async (t) => {
  const directory = await emptyDirectory(t)
  const file = join(directory, 'file')
  await assert.rejects(siteRecipe({ trust, caBundle: file }), SiteFileUnusable)
  await writeFile(file, 'keycode 1 = Escape\n')
  await assert.rejects(siteRecipe({ trust, caBundle: file }), /has no PEM certificate/)
  await assert.rejects(siteRecipe({ trust, keymap: file }), /loadkeys --bkeymap/)
})
