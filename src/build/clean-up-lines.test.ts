import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { cleanUpNames } from '../image/clean-up/operations.ts'
import { temporaryDirectory } from '../image/nasty-tree.fixture.ts'
import { cleanUpLines } from './clean-up-lines.ts'

const goes = ['var/log/syslog', 'var/log/apt/history.log', 'etc/ssh/ssh_host_rsa_key', 'home/ann/.bash_history']
const stays = [
  'tmp/mmdebstrap.apt.conf',
  'var/log/private/state',
  'etc/ssh/sshd_config',
  'home/ann/.profile',
  'var/lib/dpkg/status',
]

test('cleanUpLines() does in a system what the operations do to a source', { skip: process.geteuid?.() !== 0 }, (t) => {
  const root = temporaryDirectory(t)
  const put = (name: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), text)
  }
  for (const name of [...goes, ...stays]) put(name, name)
  put('etc/machine-id', '0123')
  put('etc/sysconfig/network', 'NETWORKING=yes\nHOSTNAME=old\n')
  fs.symlinkSync('../etc', path.join(root, 'var/tmp'))
  fs.mkdirSync(path.join(root, 'bin'))
  fs.copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'))
  for (const name of ['sh', 'find', 'rm', 'sed']) fs.symlinkSync('busybox', path.join(root, 'bin', name))
  const script = cleanUpNames.flatMap(cleanUpLines).join('\n')
  execFileSync('chroot', [root, '/bin/sh', '-eu'], {
    input: script,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin:/bin` },
    timeout: 30_000,
  })
  const has = (name: string) => fs.existsSync(path.join(root, name))
  assert.deepEqual(goes.filter(has), [])
  assert.deepEqual(stays.filter(has), stays)
  assert.equal(fs.readFileSync(path.join(root, 'etc/machine-id'), 'utf8'), '')
  assert.equal(fs.readFileSync(path.join(root, 'etc/sysconfig/network'), 'utf8'), 'NETWORKING=yes\n')
})
