import { test } from 'node:test'
import { refuseInvalidFile, refuseInvalidHook, refuseInvalidVariable, SetupInvalid } from './setup-rules.ts'

for (const [path, reason] of [
  ['etc/motd', /does not begin with \//],
  ['/etc/../../x', /\.\. in it/],
  ['/etc//motd', /an empty name/],
  ['/etc/', /names a directory/],
  ['/', /names a directory/],
  ['/./x', /empty name, \./],
  ['/etc/a\nb', /control characters/],
  ['/run/x', /does not outlive a restart/],
  ['/dev/sda', /does not outlive a restart/],
] as const) {
  test(`refuseInvalidFile() refuses ${JSON.stringify(path)}`, (t) => {
    t.assert.throws(() => refuseInvalidFile({ path, template: '' }), reason)
  })
}

test('refuseInvalidFile() takes paths that only look like passing places, and refuses what is no text', (t) => {
  for (const path of ['/etc/motd', '/runner/x', '/srv/run/x', '/home/a b/.profile'])
    refuseInvalidFile({ path, template: '' })
  t.assert.throws(() => refuseInvalidFile({ path: '/a', template: '\0' }), SetupInvalid)
})

test('refuseInvalidHook() wants an interpreter and line feeds', (t) => {
  refuseInvalidHook({ script: '#!/bin/sh\necho\n' })
  t.assert.throws(() => refuseInvalidHook({ script: 'echo\n' }), /does not name its interpreter/)
  t.assert.throws(() => refuseInvalidHook({ script: '#!/bin/sh\r\necho\r\n' }), /carriage returns/)
})

test('refuseInvalidVariable() refuses control characters and secrets that could not be hidden', (t) => {
  refuseInvalidVariable({ name: 'a', value: 'line\n\tline', secret: true })
  refuseInvalidVariable({ name: 'a', value: '', secret: false })
  t.assert.throws(() => refuseInvalidVariable({ name: 'a', value: '\u001b[2J', secret: false }), /control characters/)
  t.assert.throws(() => refuseInvalidVariable({ name: 'a', value: 'abc', secret: true }), /fewer than 4 characters/)
})
