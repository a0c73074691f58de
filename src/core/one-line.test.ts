import { test } from 'node:test'
import { oneLine } from './one-line.ts'

test('oneLine() turns escape sequences and line ends into spaces', (t) => {
  t.assert.equal(oneLine('QEMU\u001b[2J\r\nDISK'), 'QEMU [2J DISK')
})

test('oneLine() drops bidirectional overrides and bytes that were not UTF-8', (t) => {
  t.assert.equal(oneLine('a\u202eb\ufffd'), 'a b')
})

test('oneLine() cuts what is longer than the limit and says so', (t) => {
  t.assert.equal(oneLine('abcdef', 4), 'abc…')
})
