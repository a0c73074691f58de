import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawFrame, type Frame, wrapText } from './frame.ts'

const frame = (...texts: string[]): Frame => ({ rows: texts.map((text) => ({ text })) })

test('drawFrame() clears a terminal of which nothing is known and writes every row', () => {
  assert.equal(
    drawFrame(undefined, { rows: [{ text: 'one', style: 'title' }, { text: '' }, { text: 'three' }] }),
    '\x1b[0m\x1b[2J\x1b[1;1H\x1b[7mone\x1b[0m\x1b[K\x1b[3;1Hthree\x1b[0m\x1b[K\x1b[24;1H\x1b[?25l',
  )
})

test('drawFrame() sends only the rows that changed', () => {
  assert.equal(
    drawFrame(frame('one', 'two', 'three'), frame('one', '2')),
    '\x1b[2;1H2\x1b[0m\x1b[K\x1b[3;1H\x1b[0m\x1b[K\x1b[24;1H\x1b[?25l',
  )
  assert.equal(drawFrame(frame('one'), frame('one')), '')
  assert.equal(drawFrame(frame('one'), { ...frame('one'), cursor: { row: 0, column: 3 } }), '\x1b[1;4H\x1b[?25h')
})

test('drawFrame() lets nothing through that would mean something to a terminal, and cuts what is too long', () => {
  const drawn = drawFrame(frame(), frame(`a\x1b[2Jb\u009bc\u202ed漢ü…${'x'.repeat(200)}`))
  assert.match(drawn, /^\x1b\[1;1Ha\?\[2Jb\?c\?d\?ü\.\.\.x+\.\.\.\x1b\[0m\x1b\[K\x1b\[24;1H\x1b\[\?25l$/)
  assert.equal(/Ha.*\.(?=\x1b)/.exec(drawn)![0].length - 1, 79)
})

test('wrapText() breaks at spaces, and within a word that is too long', () => {
  assert.deepEqual(wrapText('one two three', 8), ['one two', 'three'])
  assert.deepEqual(wrapText('0123456789', 4), ['0123', '4567', '89'])
  assert.deepEqual(wrapText('  '), [])
})
