import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDiskLoader } from './make-disk-loader.ts'

test('makeDiskLoader() makes the same small EFI program twice and leaves nothing else behind', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'disk-loader-'))
  t.after(() => rm(directory, { recursive: true }))
  const files = [join(directory, 'a', 'disk.efi'), join(directory, 'b', 'disk.efi')]
  for (const file of files) {
    const loader = await makeDiskLoader(file)
    if (loader.kind === 'unavailable') {
      if (process.env.REQUIRE_INTEROP === '1') assert.fail(loader.reason)
      t.skip(loader.reason)
      return
    }
    assert.deepEqual(await readdir(join(file, '..')), ['disk.efi'])
  }
  const [first, second] = await Promise.all(files.map((file) => readFile(file)))
  assert.equal(first!.toString('latin1', 0, 2), 'MZ')
  assert.ok(first!.length < 1e6, `${first!.length} bytes`)
  assert.ok(first!.equals(second!))
})

test('makeDiskLoader() says what to install when GRUB is not there', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'disk-loader-'))
  t.after(() => rm(directory, { recursive: true }))
  const path = process.env.PATH
  t.after(() => {
    process.env.PATH = path
  })
  process.env.PATH = directory
  const loader = await makeDiskLoader(join(directory, 'disk.efi'))
  assert.ok(loader.kind === 'unavailable' && /not installed; install the Debian package/.test(loader.reason))
  assert.deepEqual(await readdir(directory), [])
})
