import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ModuleIndex, moduleName, parseModuleIndex } from './module-index.ts'
import { selectModules } from './select-modules.ts'

const index: ModuleIndex = parseModuleIndex({
  dep: [
    'kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/jbd2/jbd2.ko',
    'kernel/fs/jbd2/jbd2.ko:',
    'kernel/lib/crc16.ko:',
    'kernel/arch/x86/crypto/crc32c-intel.ko.xz:',
    'kernel/crypto/crc32c_generic.ko:',
    'kernel/drivers/net/usb/hso.ko: kernel/drivers/net/usb/usbnet.ko',
    'kernel/drivers/net/usb/usbnet.ko:',
    'kernel/drivers/net/usb/asix.ko: kernel/drivers/net/usb/usbnet.ko',
    '',
  ].join('\n'),
  alias: [
    '# Aliases',
    'alias crypto-crc32c crc32c_intel',
    'alias crypto-crc32c crc32c_generic',
    'alias pci:v* ext4',
  ].join('\n'),
  softdep: ['# Soft', 'softdep ext4 pre: crypto-crc32c'].join('\n'),
})

test('selectModules() adds dependencies, and soft dependencies through aliases', () => {
  assert.deepStrictEqual(selectModules(index, { included: ['fs/ext4/'], excluded: [] }), [
    'kernel/arch/x86/crypto/crc32c-intel.ko.xz',
    'kernel/crypto/crc32c_generic.ko',
    'kernel/fs/ext4/ext4.ko',
    'kernel/fs/jbd2/jbd2.ko',
    'kernel/lib/crc16.ko',
  ])
})

test('selectModules() leaves out what is excluded, unless another module needs it', () => {
  const rules = { included: ['drivers/net/usb/'], excluded: ['drivers/net/usb/hso', 'drivers/net/usb/usbnet'] }
  assert.deepStrictEqual(selectModules(index, rules), [
    'kernel/drivers/net/usb/asix.ko',
    'kernel/drivers/net/usb/usbnet.ko',
  ])
})

test('selectModules() takes a rule without a slash for one module, packed or not', () => {
  const rules = { included: ['arch/x86/crypto/crc32c-intel', 'fs/ext', 'no/such/module'], excluded: [] }
  assert.deepStrictEqual(selectModules(index, rules), ['kernel/arch/x86/crypto/crc32c-intel.ko.xz'])
})

test('moduleName() is the name the kernel uses', () => {
  assert.strictEqual(moduleName('kernel/arch/x86/crypto/crc32c-intel.ko.xz'), 'crc32c_intel')
})
