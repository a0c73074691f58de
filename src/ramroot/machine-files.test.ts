import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseMac } from '../bytes/mac.ts'
import { hostKeyOf, machineFiles, machineIdOf } from './machine-files.ts'

const facts = {
  ...{ id: 'm1', name: 'rack-1', mac: parseMac('52:54:00:00:00:01'), server: 'http://10.0.0.1:4280' },
  ...{ upToken: 'a.b', updateToken: 'a.c', updateKey: 'k' },
}
const secret = Buffer.alloc(32, 7)

test('hostKeyOf() gives what ssh-keygen reads, the same for a machine at every boot and for no other', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'host-key-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const key = hostKeyOf(facts, secret)
  const file = join(directory, 'key')
  writeFileSync(file, key.privateText, { mode: 0o600 })
  const read = execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim()
  assert.equal(read, key.publicLine)
  assert.deepEqual(hostKeyOf(facts, secret), key)
  assert.notEqual(hostKeyOf({ ...facts, id: 'm2' }, secret).publicLine, key.publicLine)
  assert.notEqual(hostKeyOf(facts, randomBytes(32)).publicLine, key.publicLine)
})

test('machineIdOf() is a version 4 UUID that stays', () => {
  assert.match(machineIdOf('m1', secret), /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
  assert.equal(machineIdOf('m1', secret), machineIdOf('m1', secret))
})

test('machineFiles() is an archive that cpio unpacks, with the secrets closed to others', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'machine-files-'))
  t.after(() => rmSync(directory, { recursive: true }))
  execFileSync('cpio', ['-idm', '--quiet'], { cwd: directory, input: await machineFiles(facts, secret) })
  assert.equal(readFileSync(join(directory, 'common/etc/hostname'), 'utf8'), 'rack-1\n')
  assert.match(
    readFileSync(join(directory, 'network/networkd/etc/systemd/network/50-bootwright.network'), 'utf8'),
    /52:54:00:00:00:01/,
  )
  assert.match(
    readFileSync(join(directory, 'systemd/var/lib/bootwright/up.sh'), 'utf8'),
    /post \/agent\/ramroot\/up application/,
  )
  for (const path of [
    'ssh/etc/ssh/ssh_host_ed25519_key',
    'systemd/var/lib/bootwright/up-token',
    'systemd/var/lib/bootwright/update-key',
  ]) {
    assert.equal(statSync(join(directory, path)).mode & 0o777, 0o600, path)
  }
})
