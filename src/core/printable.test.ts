import { test } from 'node:test'
import { printable } from './printable.ts'

test('printable() turns escape sequences and line ends into spaces', (t) => {
  t.assert.equal(printable('QEMU\u001b[2J\r\nDISK'), 'QEMU [2J DISK')
})

test('printable() drops bidirectional overrides and bytes that were not UTF-8', (t) => {
  t.assert.equal(printable('a\u202eb\ufffd'), 'a b')
})

test('printable() cuts what is longer than the limit and says so', (t) => {
  t.assert.equal(printable('abcdef', 4), 'abc…')
})
