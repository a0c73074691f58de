import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { temporaryDirectory } from '../../image/nasty-tree.fixture.ts'
import { findOwnLoader } from './own-loader.ts'

const cases: [string, string[], string | undefined][] = [
  ['shim before GRUB', ['EFI/debian/grubx64.efi', 'EFI/debian/shimx64.efi'], '\\EFI\\debian\\shimx64.efi'],
  [
    'a distribution before the fallback',
    ['EFI/BOOT/BOOTX64.EFI', 'EFI/ubuntu/grubx64.efi'],
    '\\EFI\\ubuntu\\grubx64.efi',
  ],
  ['Windows', ['EFI/Microsoft/Boot/bootmgfw.efi', 'EFI/Boot/bootx64.efi'], '\\EFI\\Microsoft\\Boot\\bootmgfw.efi'],
  ['the fallback, in any case', ['efi/Boot/BootX64.efi'], '\\efi\\Boot\\BootX64.efi'],
  ['none for this processor', ['EFI/BOOT/BOOTAA64.EFI'], undefined],
  ['none where nothing is', ['readme.txt'], undefined],
]

for (const [what, files, expected] of cases) {
  test(`findOwnLoader() finds ${what}`, (t) => {
    const directory = temporaryDirectory(t)
    for (const file of files) {
      fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
      fs.writeFileSync(path.join(directory, file), '')
    }
    t.assert.equal(findOwnLoader(directory, 'x64'), expected)
  })
}
