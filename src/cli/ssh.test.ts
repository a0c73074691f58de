import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { sshArguments } from './ssh.ts'

const place = {
  system: 'deployed' as const,
  address: '10.77.0.5',
  hostKeys: ['ssh-ed25519 AAAAC3Nza', 'ecdsa-sha2-nistp256 AAAAE2Vjd', 'ssh-rsa AAAAB3Nza'],
}

test('sshArguments() makes ssh believe the recorded keys alone, as ssh itself reads them', () => {
  const args = sshArguments('rack-1', place, { user: 'root', knownHosts: '/tmp/known-hosts', identity: '/tmp/key' })
  const read = execFileSync('ssh', ['-G', ...args], { encoding: 'utf8' })
  for (const line of [
    'user root',
    'hostname 10.77.0.5',
    'hostkeyalias rack-1',
    'stricthostkeychecking true',
    'userknownhostsfile /tmp/known-hosts',
    'globalknownhostsfile /dev/null',
    'updatehostkeys false',
    'hostkeyalgorithms ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256',
    'identitiesonly yes',
  ]) {
    assert.ok(read.split('\n').includes(line), `ssh -G has no line "${line}":\n${read}`)
  }
})
