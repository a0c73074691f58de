import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MenuChoice } from '../../core/console-menu.ts'
import { rootOf } from '../../core/layout.ts'
import { menuWorld, pressAll } from './menu.fixture.ts'
import { press, toldState, type Wish } from './menu-state.ts'
import type { MenuWorld } from './selection.ts'

const world = menuWorld()

function choiceAfter(keys: string, of: MenuWorld = world): MenuChoice {
  const { wish } = pressAll(keys, of)
  assert.equal(wish?.kind, 'deploy')
  return (wish as Extract<Wish, { kind: 'deploy' }>).choice
}

test('press() leads through every question to a choice that names version, disk and layout', () => {
  const { layout, ...choice } = choiceAfter('1<enter>2<down><up>1<enter><down>2yes<enter>')
  assert.deepEqual(choice, {
    image: `debian@${'a'.repeat(64)}`,
    disk: { serial: 'EMPTY' },
    filesystem: 'xfs',
    transfer: 'http',
  })
  assert.equal(typeof layout === 'object' && layout.name, 'whole-disk')
})

test('press() names the partition that was chosen by its GUID, and keeps what becomes of it', () => {
  const { layout } = choiceAfter('1112431yes<enter>')
  assert.ok(typeof layout === 'object')
  assert.deepEqual(rootOf(layout), {
    role: 'root',
    find: { guid: '00000000-0000-4000-8000-000000000005' },
    content: 'made',
    filesystem: 'ext4',
  })
})

test('press() asks for no partition where one alone can receive, and for no filesystem where it stays', () => {
  const { state } = pressAll('11127', world)
  assert.equal(state.page, 'confirm')
  assert.equal(state.selection.root?.number, 4)
  assert.equal(choiceAfter('11127yes<enter>').filesystem, undefined)
})

test('press() asks neither for what a whole disk brings itself', () => {
  assert.equal(pressAll('12121', world).state.page, 'confirm')
})

test('press() begins with nothing but a clear yes', () => {
  for (const word of ['', 'y', 'no', 'yess', '1']) {
    const { state, wish } = pressAll(`111111${word}<enter>`, world)
    assert.equal(wish, undefined, word)
    assert.deepEqual([state.page, state.input], ['confirm', ''])
  }
  assert.equal(pressAll('111111YES<enter>', world).wish?.kind, 'deploy')
})

test('press() asks for the password where one is wanted, and sends it', () => {
  const guarded = menuWorld({ offer: { provision: { kind: 'allowed', needsPassword: true } } })
  assert.equal(pressAll('111111yes<enter>', guarded).wish, undefined)
  assert.equal(choiceAfter('111111yes<enter>Open Sesamex<erase>!<enter>', guarded).password, 'Open Sesame!')
})

test('press() leaves what is refused where it is', () => {
  assert.equal(pressAll('1113', world).state.page, 'disk')
  assert.equal(pressAll('11117', world).state.page, 'layout')
  const refused = menuWorld({ offer: { provision: { kind: 'refused', reason: 'no' } } })
  assert.deepEqual(pressAll('1', refused).wish, { kind: 'ask-server' })
  assert.equal(pressAll('1', refused).state.page, 'main')
})

test('press() goes back one question at a time, to the line that was chosen', () => {
  const { state } = pressAll('1112<back>', world)
  assert.deepEqual([state.page, state.cursor], ['disk', 1])
  assert.equal(pressAll('1112<back>bb', world).state.page, 'image')
  assert.equal(pressAll('1<back><back><back>', world).state.page, 'main')
  assert.equal(pressAll('111111<back>', world).state.page, 'filesystem')
})

test('press() moves the mark around both ends, by arrows and by letters', () => {
  const cursor = (keys: string) => pressAll(keys, world).state.cursor
  assert.deepEqual(
    ['<up>', '<down>', 'n', 'p', 'nnnn', '<end>', '<end><home>', '<page-down>'].map(cursor),
    [3, 1, 1, 3, 0, 3, 0, 3],
  )
})

test('press() gives shell, reboot and power off by their numbers', () => {
  assert.deepEqual(
    ['2', '3', '4', '5', '<down><enter>'].map((keys) => pressAll(keys, world).wish?.kind),
    [...['shell', 'reboot', 'power-off'], undefined, 'shell'],
  )
})

test('press() leaves words with a key and asks the server anew', () => {
  const told = toldState('refused', 'why')
  assert.equal(press(told, { kind: 'text', text: 'x' }, world).state.page, 'told')
  const { state, wish } = press(told, { kind: 'enter' }, world)
  assert.deepEqual([state.page, wish], ['main', { kind: 'ask-server' }])
})

test('press() scrolls the picture of the disk no further than its end', () => {
  const { cursor } = pressAll('11127<page-down><page-down><page-down>', world).state
  assert.equal(pressAll('11127<page-down><page-down><page-down><up>', world).state.cursor, Math.max(0, cursor - 1))
  assert.ok(cursor < 8)
})
