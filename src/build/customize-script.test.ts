import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { renderCleanUpScript } from './clean-up-script.ts'
import { renderCustomizeScript, renderPasswords } from './customize-script.ts'
import { quoteShell } from './quote-shell.ts'
import type { ReadRecipe } from './read-recipe.ts'

const golden = (name: string) => join(import.meta.dirname, 'golden', name)
const asText = { serializers: [(value: string) => value] }

const read: ReadRecipe = {
  configurations: [],
  secrets: [],
  recipePath: 'r.yaml',
  recipe: {
    name: 'example',
    source: { kind: 'mmdebstrap', suite: 'bookworm', variant: 'minbase' },
    hostname: 'web',
    commands: ['echo \'it is\' "$HOME"', 'systemctl enable ssh\nsystemctl enable systemd-networkd'],
    aptSources: ['deb http://mirror.example/debian bookworm main'],
  },
  users: [
    { name: 'root', authorizedKeys: ['ssh-ed25519 AAAA root@here'], passwordHash: '$y$root' },
    { name: 'ann', groups: ['sudo', 'adm'], authorizedKeys: ["ssh-ed25519 BBBB ann's key"], passwordHash: '$y$ann' },
    { name: 'bob', group: 'users', shell: '/bin/sh', authorizedKeys: [] },
  ],
  files: [
    { path: '/etc/motd', content: Buffer.from('hello\n') },
    { path: "/srv/it's/tool", content: Buffer.from('#!/bin/sh\n'), mode: '0755', owner: 'ann', group: 'users' },
    { path: '/etc/localtime', link: '/usr/share/zoneinfo/UTC' },
  ],
}

test('renderCustomizeScript() makes users, files and commands in order', (t) => {
  t.assert.fileSnapshot(renderCustomizeScript(read), golden('customize.sh'), asText)
})

test('renderCleanUpScript() leaves the own sources of the image and nothing of its builder', (t) => {
  t.assert.fileSnapshot(renderCleanUpScript(read), golden('clean-up.sh'), asText)
})

test('renderCustomizeScript() and renderCleanUpScript() are valid shell', () => {
  for (const script of [renderCustomizeScript(read), renderCleanUpScript(read)]) {
    execFileSync('sh', ['-n'], { input: script, timeout: 10_000 })
  }
})

test('renderCustomizeScript() holds no password hash; renderPasswords() does', () => {
  assert.doesNotMatch(renderCustomizeScript(read), /\$y\$/)
  assert.equal(renderPasswords(read.users), 'root:$y$root\nann:$y$ann\n')
})

test('quoteShell() gives back every text as one word', () => {
  for (const text of ['plain', "it's", '$(reboot) `x` "q" \\', 'two\nlines', '']) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${quoteShell(text)}`], { encoding: 'utf8' }), text)
  }
})
