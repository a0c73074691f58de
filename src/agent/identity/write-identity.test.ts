import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseMac } from '../../bytes/mac.ts'
import { InsideRoot } from '../inside-root.ts'
import { firstBootPaths } from './first-boot.ts'
import { newMachineId, renderHosts } from './host-files.ts'
import { writeIdentity } from './write-identity.ts'

const facts = {
  machineName: 'web-1',
  bootMac: parseMac('52:54:00:12:34:56'),
  firmware: 'bios',
  filesystems: {
    root: { type: 'ext4', uuid: '11111111-2222-4333-8444-555555555555' },
    esp: { uuid: '1A2B-3C4D' },
    others: [],
  },
  server: 'http://10.77.0.1:4280',
  proofToken: 'secret-token',
} as const

function debianTree(t: TestContext): { directory: string; root: InsideRoot } {
  const directory = mkdtempSync(join(tmpdir(), 'identity-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const root = new InsideRoot(directory)
  for (const path of ['/usr/sbin/sshd', '/lib/systemd/systemd']) root.writeText(path, '', 0o755)
  root.writeText('/etc/ssh/ssh_host_rsa_key', 'the image’s own', 0o600)
  root.writeText('/etc/hosts', '127.0.0.1\tlocalhost\n127.0.1.1\tbuild-host\n::1 localhost\n')
  root.makeDirectory('/var/lib/dbus')
  return { directory, root }
}

const never = new AbortController().signal

test('writeIdentity() makes two deployments of one image two machines', async (t) => {
  const first = debianTree(t)
  const second = debianTree(t)
  const one = await writeIdentity(first.directory, facts, never)
  const two = await writeIdentity(second.directory, facts, never)
  t.assert.notEqual(first.root.readText('/etc/machine-id'), second.root.readText('/etc/machine-id'))
  t.assert.equal(one.sshHostKeys.length, 2)
  t.assert.notEqual(one.sshHostKeys[0], two.sshHostKeys[0])
})

test('writeIdentity() replaces the image’s host keys and names the machine in them', async (t) => {
  const { directory, root } = debianTree(t)
  const { sshHostKeys } = await writeIdentity(directory, facts, never)
  t.assert.deepEqual(root.list('/etc/ssh'), [
    'ssh_host_ecdsa_key',
    'ssh_host_ecdsa_key.pub',
    'ssh_host_ed25519_key',
    'ssh_host_ed25519_key.pub',
  ])
  t.assert.match(sshHostKeys[0] ?? '', /^ssh-ed25519 \S+ root@web-1$/)
  t.assert.equal(root.readText('/etc/ssh/ssh_host_ed25519_key.pub')?.trim(), sshHostKeys[0])
  t.assert.equal(lstatSync(join(directory, 'etc/ssh/ssh_host_ed25519_key')).mode & 0o777, 0o600)
})

test('writeIdentity() makes an RSA key only where sshd is told to use one', async (t) => {
  const { directory, root } = debianTree(t)
  root.writeText('/etc/ssh/sshd_config', 'HostKey /etc/ssh/ssh_host_rsa_key\n')
  const { sshHostKeys } = await writeIdentity(directory, facts, never)
  t.assert.match(sshHostKeys[2] ?? '', /^ssh-rsa /)
})

test('writeIdentity() writes names, mounts, network and the callback', async (t) => {
  const { directory, root } = debianTree(t)
  const { detail } = await writeIdentity(directory, facts, never)
  t.assert.equal(root.readText('/etc/hostname'), 'web-1\n')
  t.assert.equal(root.readText('/etc/hosts'), '127.0.0.1\tlocalhost\n127.0.1.1 web-1\n::1 localhost\n')
  t.assert.match(root.readText('/etc/machine-id') ?? '', /^[0-9a-f]{32}\n$/)
  t.assert.equal(readlinkSync(join(directory, 'var/lib/dbus/machine-id')), '/etc/machine-id')
  t.assert.match(root.readText('/etc/fstab') ?? '', /^UUID=11111111-\S+ \/ ext4 /m)
  t.assert.equal(root.readText(firstBootPaths.token), 'secret-token\n')
  t.assert.equal(lstatSync(join(directory, firstBootPaths.token)).mode & 0o777, 0o600)
  t.assert.equal(readlinkSync(join(directory, firstBootPaths.wanted)), firstBootPaths.unit)
  t.assert.equal(
    detail,
    'named web-1; 2 SSH host keys made; no network was configured: the image has no networkd, ifupdown, NetworkManager or netplan; first-boot callback installed',
  )
})

test('writeIdentity() stays inside a tree whose directories are links to the outside', async (t) => {
  const { directory } = debianTree(t)
  const outside = mkdtempSync(join(tmpdir(), 'outside-'))
  t.after(() => rmSync(outside, { recursive: true }))
  rmSync(join(directory, 'etc'), { recursive: true })
  symlinkSync(outside, join(directory, 'etc'))
  symlinkSync(outside, join(directory, 'var/lib/bootwright'))
  writeFileSync(join(outside, 'hostname'), 'mine\n')
  mkdirSync(join(outside, 'ssh'))
  await writeIdentity(directory, facts, never)
  t.assert.equal(readFileSync(join(outside, 'hostname'), 'utf8'), 'mine\n')
  t.assert.deepEqual(new InsideRoot(outside).list('/'), ['hostname', 'ssh'])
  t.assert.deepEqual(new InsideRoot(outside).list('/ssh'), [])
})

test('writeIdentity() says when the image has neither SSH server nor systemd', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'identity-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const { sshHostKeys, detail } = await writeIdentity(directory, facts, never)
  t.assert.deepEqual(sshHostKeys, [])
  t.assert.match(detail, /no SSH server in the image; .*; no first-boot callback: the image has no systemd/)
})

test('newMachineId() is a version 4 UUID without hyphens', (t) => {
  t.assert.match(newMachineId(), /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
})

test('renderHosts() gives an image without /etc/hosts a complete one', (t) => {
  t.assert.match(renderHosts(undefined, 'm1'), /^127\.0\.0\.1 localhost\n127\.0\.1\.1 m1\n::1 localhost/)
})
