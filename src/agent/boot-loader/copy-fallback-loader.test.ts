import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { copyFallbackLoader, installedLoader, LoaderMissing } from './copy-fallback-loader.ts'

/** A mounted ESP after grub-install, every file holding its own name. */
function esp(t: TestContext, files: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'esp-'))
  t.after(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, 'EFI/debian'), { recursive: true })
  for (const file of files) writeFileSync(join(directory, 'EFI/debian', file), file)
  return directory
}

function installFallback(directory: string, architecture: string): string {
  const loader = installedLoader(directory, 'debian', architecture)
  copyFallbackLoader(directory, 'debian', loader, architecture)
  return loader
}

test('copyFallbackLoader() puts GRUB at the fallback path where there is no shim', (t) => {
  const directory = esp(t, ['grubx64.efi'])
  t.assert.equal(installFallback(directory, 'x64'), 'grubx64.efi')
  t.assert.equal(readFileSync(join(directory, 'EFI/BOOT/BOOTX64.EFI'), 'utf8'), 'grubx64.efi')
})

test('copyFallbackLoader() puts shim there with what it loads, and leaves fbx64.efi behind', (t) => {
  const directory = esp(t, ['BOOTX64.CSV', 'fbx64.efi', 'grub.cfg', 'grubx64.efi', 'mmx64.efi', 'shimx64.efi'])
  t.assert.equal(installFallback(directory, 'x64'), 'shimx64.efi')
  t.assert.deepEqual(readdirSync(join(directory, 'EFI/BOOT')), ['BOOTX64.EFI', 'grub.cfg', 'grubx64.efi', 'mmx64.efi'])
  t.assert.equal(readFileSync(join(directory, 'EFI/BOOT/BOOTX64.EFI'), 'utf8'), 'shimx64.efi')
})

test('copyFallbackLoader() knows arm64’s names', (t) => {
  const directory = esp(t, ['grubaa64.efi'])
  installFallback(directory, 'arm64')
  t.assert.deepEqual(readdirSync(join(directory, 'EFI/BOOT')), ['BOOTAA64.EFI'])
})

test('installedLoader() says what it found when the loader is missing', (t) => {
  t.assert.throws(
    () => installedLoader(esp(t, ['grub.cfg']), 'debian', 'x64'),
    (error) => error instanceof LoaderMissing && error.message.includes('it has: grub.cfg'),
  )
})
