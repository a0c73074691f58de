import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TerminalText } from './terminal-text.ts'

test('TerminalText keeps the words of coloured text', () => {
  const text = new TerminalText()
  assert.equal(
    text.push('[\x1b[0;32m  OK  \x1b[0m] Reached \x1b[0;1;39mmulti-user\x1b[0m\r\n'),
    '[  OK  ] Reached multi-user\n',
  )
})

test('TerminalText turns a cursor jump into a line break', () => {
  assert.equal(new TerminalText().push('\x1b[2J\x1b[01;01HStart PXE'), '\n\nStart PXE')
})

test('TerminalText finishes a sequence that two pieces share, wherever it is cut', () => {
  const whole = 'a\x1b[0;32mb\x1b]0;title\x07c\x1b(Bd\x1b=e'
  for (let cut = 0; cut <= whole.length; cut++) {
    const text = new TerminalText()
    assert.equal(text.push(whole.slice(0, cut)) + text.push(whole.slice(cut)), 'abcde', `cut at ${cut}`)
  }
})

test('TerminalText goes on after a sequence that never ends', () => {
  const text = new TerminalText()
  const words = text.push(`\x1b]${'x'.repeat(300)}`) + text.push('login:')
  assert.ok(words.endsWith('login:'))
})
