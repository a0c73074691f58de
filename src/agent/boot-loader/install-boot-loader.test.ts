import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImageCannotBoot, requireShim } from './install-boot-loader.ts'

test('requireShim() takes shim of any architecture, and refuses a GRUB that nobody signed', () => {
  requireShim('shimx64.efi')
  requireShim('shimaa64.efi')
  assert.throws(
    () => requireShim('grubx64.efi'),
    (error) => error instanceof ImageCannotBoot && error.message.includes('shim-signed'),
  )
})
