import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const bootwright = join(import.meta.dirname, '../../bin/bootwright')

test('a wrong command line ends with 2 and says where help is, however deep the command lies', () => {
  for (const args of [
    ['deploy', '--nope'],
    ['hook', 'set', '--nope'],
    ['image', 'rebuild', 'list', '--nope'],
  ]) {
    const { status, stderr } = spawnSync(bootwright, args, { encoding: 'utf8', timeout: 60_000 })
    assert.equal(status, 2, args.join(' '))
    assert.match(stderr, /^error: .*\n\(run with --help/)
  }
})
