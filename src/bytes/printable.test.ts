import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'

test('printable() leaves ordinary text in any script alone', () => {
  assert.equal(printable('Grüße, 機械-3 \\x'), 'Grüße, 機械-3 \\x')
})

test('printable() spells out control characters, direction marks and lone surrogates', () => {
  assert.equal(printable('a\x1b[2J\n\u202eb\ud800'), 'a\\u{1b}[2J\\u{a}\\u{202e}b\\u{d800}')
})

test('printable() cuts long text and says so', () => {
  assert.equal(printable('abcdef', 3), 'abc…')
})
