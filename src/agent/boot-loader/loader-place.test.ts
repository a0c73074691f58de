import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { chooseLoaderPlace, fallbackDirectory, markAsOurs } from './loader-place.ts'

/** A mounted ESP with these files. */
function esp(t: TestContext, files: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'esp-'))
  t.after(() => rmSync(directory, { recursive: true }))
  for (const file of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true })
    writeFileSync(join(directory, file), '')
  }
  return directory
}

test('chooseLoaderPlace() uses all of an empty ESP', (t) => {
  const place = { directory: 'debian', isBesideAnother: false, mayUseFallback: true }
  t.assert.deepEqual(chooseLoaderPlace(esp(t, []), 'debian'), place)
})

test('chooseLoaderPlace() leaves the fallback loader and the directories of other systems alone', (t) => {
  const windows = esp(t, ['EFI/Boot/bootx64.efi', 'EFI/Microsoft/Boot/bootmgfw.efi'])
  const besideWindows = { directory: 'debian', isBesideAnother: false, mayUseFallback: false }
  t.assert.deepEqual(chooseLoaderPlace(windows, 'debian'), besideWindows)
  const debian = esp(t, ['EFI/DEBIAN/grubx64.efi'])
  const besideDebian = { directory: 'bootwright', isBesideAnother: true, mayUseFallback: true }
  t.assert.deepEqual(chooseLoaderPlace(debian, 'debian'), besideDebian)
})

test('chooseLoaderPlace() replaces what Bootwright installed before', (t) => {
  const directory = esp(t, ['EFI/debian/grubx64.efi', 'EFI/BOOT/BOOTX64.EFI'])
  markAsOurs(directory, 'debian')
  markAsOurs(directory, fallbackDirectory)
  const place = { directory: 'debian', isBesideAnother: false, mayUseFallback: true }
  t.assert.deepEqual(chooseLoaderPlace(directory, 'debian'), place)
})
