import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyDecoder } from './keys.ts'

/** What the pieces give, one word a key. */
function read(...pieces: string[]): string {
  const decoder = new KeyDecoder()
  const keys = pieces.flatMap((piece) => decoder.push(piece))
  return [...keys, ...decoder.settle()].map((key) => (key.kind === 'text' ? key.text : key.kind)).join(' ')
}

const table: [string, string[], string][] = [
  ['arrows of the Linux console and of xterm', ['\x1b[A\x1b[B\x1bOA\x1bOB\x1b[D'], 'up down up down back'],
  ['letters and digits as they are', ['2nä'], '2 n ä'],
  ['paging, home and end', ['\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[H\x1b[F'], 'page-up page-down home end home end'],
  ['return of a serial line and of a file', ['\r', '\n', '\r\n'], 'enter enter enter'],
  ['both codes of the erase key', ['\x7f\b'], 'erase erase'],
  ['a lone escape', ['\x1b'], 'back'],
  ['escape and then a letter', ['\x1bx'], 'back x'],
  ['an arrow with a modifier as none of ours', ['\x1b[1;5A', 'x'], 'x'],
  ['function keys as none of ours', ['\x1b[[A\x1bOP\x1b[11~x'], 'x'],
  ['no control characters and no undecodable bytes', ['\x01\x00\ufffda'], 'a'],
  ['an endless sequence as noise', [`\x1b[${'1;'.repeat(20)}`, 'x'], 'x'],
]

for (const [what, pieces, keys] of table) {
  test(`KeyDecoder reads ${what}`, () => assert.equal(read(...pieces), keys))
}

test('KeyDecoder reads the same keys wherever the pieces are cut', () => {
  const text = 'a\x1b[A2\x1b[5~\x1bOB\x1b[[Cq\x1b[D'
  for (let cut = 1; cut < text.length; cut++) {
    assert.equal(read(text.slice(0, cut), text.slice(cut)), 'a up 2 page-up down q back', `cut at ${cut}`)
  }
  assert.equal(read(...text), 'a up 2 page-up down q back')
})
