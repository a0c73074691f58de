import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Firmware } from '../core/firmware.ts'
import { chooseLoader } from './choose-loader.ts'
import { debianLoaders, lookUp } from './tree.ts'

const cases: [Firmware, string | undefined][] = [
  [{ kind: 'bios-pxe', platform: 'bios', architecture: 'x86' }, 'ipxe/undionly.kpxe'],
  [{ kind: 'uefi-pxe', platform: 'uefi', architecture: 'x64' }, 'ipxe/snponly.efi'],
  [{ kind: 'uefi-pxe', platform: 'uefi', architecture: 'ia32' }, 'ipxe/ia32/snponly.efi'],
  [{ kind: 'uefi-pxe', platform: 'uefi', architecture: 'arm64' }, 'grub/core-arm64.efi'],
  [{ kind: 'uefi-pxe', platform: 'uefi', architecture: 'arm32' }, undefined],
  [{ kind: 'ipxe', platform: 'bios', architecture: 'x86' }, undefined],
  [{ kind: 'ipxe', platform: 'uefi', architecture: 'x64' }, undefined],
]

for (const [firmware, bootFile] of cases) {
  test(`chooseLoader() gives ${firmware.kind} on ${firmware.architecture} ${bootFile ?? 'nothing'}`, () => {
    assert.equal(chooseLoader(firmware)?.bootFile, bootFile)
  })
}

test('chooseLoader() gives the wanted loader where it runs, and else iPXE', () => {
  const bios = { kind: 'bios-pxe', platform: 'bios', architecture: 'x86' } as const
  const uefi = { kind: 'uefi-pxe', platform: 'uefi', architecture: 'x64' } as const
  assert.equal(chooseLoader(bios, 'grub')?.bootFile, 'grub/core.0')
  assert.equal(chooseLoader(uefi, 'grub')?.bootFile, 'grub/core-x64.efi')
  assert.equal(chooseLoader(bios, 'pxelinux')?.bootFile, 'pxelinux/lpxelinux.0')
  assert.equal(chooseLoader(uefi, 'shim')?.bootFile, 'shim/shimx64.efi')
  assert.equal(chooseLoader(bios, 'shim')?.bootFile, 'ipxe/undionly.kpxe')
  assert.equal(chooseLoader(uefi, 'pxelinux')?.bootFile, 'ipxe/snponly.efi')
})

test('chooseLoader() names for the PCs of every rack are files of the virtual tree', () => {
  for (const bootFile of ['ipxe/undionly.kpxe', 'ipxe/snponly.efi', 'pxelinux/lpxelinux.0', 'pxelinux/ldlinux.c32']) {
    assert.equal(lookUp(debianLoaders, bootFile).kind, 'places')
  }
})
