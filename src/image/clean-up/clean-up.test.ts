import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { DecodeError } from '../../bytes/decode-error.ts'
import type { ImportNotice } from '../image-source.ts'
import { importDirectory } from '../import-directory.ts'
import { readTree, type Version } from '../repository.ts'
import { type SmallVersions, smallVersions } from '../small-versions.fixture.ts'
import { TreeBuilder } from '../tree-builder.ts'
import { parseCleanUp } from './choose-operations.ts'
import { cleanUp } from './clean-up.ts'
import { type CleanUpName, cleanUpNames } from './operations.ts'

/** For each operation what it must take out, and what stands beside that and looks like it. */
const things: Record<CleanUpName, { goes: string[]; stays: string[] }> = {
  'abrt-data': { goes: ['var/spool/abrt/ccpp-1/coredump'], stays: ['var/spool/abrt-upload/kept'] },
  'bash-history': {
    goes: ['root/.bash_history', 'home/ann/.bash_history'],
    stays: ['root/.bashrc', 'home/ann/.profile', 'home/ann/work/.bash_history'],
  },
  'blkid-tab': { goes: ['etc/blkid.tab', 'etc/blkid/blkid.tab.old', 'dev/.blkid.tab'], stays: ['etc/blkid.conf'] },
  'crash-data': { goes: ['var/crash/127.0.0.1/vmcore', 'var/log/dump/one'], stays: ['var/crashes'] },
  'cron-spool': {
    goes: ['var/spool/cron/crontabs/ann', 'var/spool/at/a0001'],
    stays: ['etc/crontab', 'etc/cron.d/job', 'var/spool/cron.kept'],
  },
  'dhcp-client-state': {
    goes: ['var/lib/dhcp/dhclient.eth0.leases', 'var/lib/dhclient/dhclient.leases', 'var/lib/NetworkManager/x.lease'],
    stays: ['etc/dhcp/dhclient.conf', 'var/lib/NetworkManager/NetworkManager.state'],
  },
  hostname: { goes: ['etc/hostname'], stays: ['etc/hosts', 'etc/host.conf'] },
  logfiles: {
    goes: [
      ...['var/log/syslog', 'var/log/syslog.1', 'var/log/dpkg.log', 'var/log/apt/history.log', 'var/log/lastlog'],
      ...['var/log/journal/0123/system.journal', 'root/anaconda-ks.cfg', 'var/cache/man/index.db'],
    ],
    stays: ['var/log/README', 'var/log/private/app.state', 'root/notes.log', 'var/cache/apt/pkgcache'],
  },
  'machine-id': { goes: ['var/lib/dbus/machine-id'], stays: ['etc/machine-info'] },
  'mail-spool': { goes: ['var/mail/ann', 'var/spool/mail/root'], stays: ['etc/mailname', 'var/mailman'] },
  'net-hostname': { goes: [], stays: [] },
  'net-hwaddr': { goes: [], stays: ['etc/sysconfig/network-scripts/ifup'] },
  'pacct-log': { goes: ['var/log/account/pacct.0', 'var/account/pacct.1'], stays: ['etc/default/acct'] },
  'package-manager-cache': {
    goes: ['var/cache/apt/archives/vim.deb', 'var/cache/dnf/repo/packages/a.rpm', 'var/cache/apt/pkgcache.bin'],
    stays: ['var/lib/dpkg/status', 'var/cache/debconf/config.dat', 'etc/apt/apt.conf'],
  },
  'puppet-data-log': {
    goes: ['var/log/puppet/agent', 'var/lib/puppet/ssl/ca.pem', 'var/lib/puppet/state/a/b'],
    stays: ['etc/puppet/puppet.conf'],
  },
  'random-seed': { goes: ['var/lib/systemd/random-seed', 'var/lib/urandom/random-seed'], stays: ['etc/random-seed'] },
  'rpm-db': { goes: ['var/lib/rpm/__db.001'], stays: ['var/lib/rpm/Packages', 'var/lib/rpm/rpmdb.sqlite'] },
  'ssh-hostkeys': {
    goes: ['etc/ssh/ssh_host_ed25519_key', 'etc/ssh/ssh_host_ed25519_key.pub'],
    stays: ['etc/ssh/sshd_config', 'etc/ssh/ssh_known_hosts', 'root/.ssh/authorized_keys'],
  },
  'tmp-files': { goes: ['tmp/a/b', 'var/tmp/.hidden'], stays: ['usr/tmpfiles.conf', 'etc/tmp/kept'] },
  'udev-persistent-net': {
    goes: ['etc/udev/rules.d/70-persistent-net.rules'],
    stays: ['etc/udev/rules.d/80-mine.rules'],
  },
  utmp: { goes: ['run/utmp'], stays: ['run/other'] },
  'yum-uuid': { goes: ['var/lib/yum/uuid'], stays: ['var/lib/yum/yumdb'] },
}

const interfaceFile = 'etc/sysconfig/network-scripts/ifcfg-eth0'
const interfaceText = 'DEVICE=eth0\nHWADDR=52:54:00:00:00:01\nDHCP_HOSTNAME=old\nBOOTPROTO=dhcp\n#HWADDR=no\n'
/** Those that change: their size afterwards. */
const changes: Partial<Record<CleanUpName, Record<string, number>>> = {
  hostname: { 'etc/sysconfig/network': 'NETWORKING=yes\n'.length },
  'machine-id': { 'etc/machine-id': 0 },
  'net-hostname': { [interfaceFile]: interfaceText.replace('DHCP_HOSTNAME=old\n', '').length },
  'net-hwaddr': { [interfaceFile]: interfaceText.replace('HWADDR=52:54:00:00:00:01\n', '').length },
  'pacct-log': { 'var/log/account/pacct': 0 },
}

async function source(versions: SmallVersions): Promise<string> {
  const everything = Object.values(things).flatMap(({ goes, stays }) => [...goes, ...stays])
  await versions.put('all', {
    ...Object.fromEntries(everything.map((name) => [name, `content of ${name}\n`])),
    [interfaceFile]: interfaceText,
    'etc/machine-id': '0123456789abcdef0123456789abcdef\n',
    'etc/sysconfig/network': 'NETWORKING=yes\nHOSTNAME=old\n',
    'var/log/account/pacct': 'records',
  })
  return path.join(versions.directory, 'source')
}

async function sizesOf({ repository }: SmallVersions, version: Version): Promise<Map<string, number>> {
  const { entries } = await readTree(repository, version.id)
  return new Map(entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry.sizeBytes]] : [])))
}

test('each clean-up operation takes out its thing and nothing else, and the source keeps it', async (t) => {
  const versions = await smallVersions(t)
  const directory = await source(versions)
  const { repository, signingKey } = versions
  const importWith = (names: CleanUpName[]) =>
    importDirectory(repository, directory, { image: 'cleaned', signingKey, cleanUp: names })
  const before = await sizesOf(versions, await importWith([]))
  for (const name of cleanUpNames) {
    const expected = new Map(before)
    for (const gone of things[name].goes) assert.ok(expected.delete(gone), `${gone} was there`)
    for (const [file, size] of Object.entries(changes[name] ?? {})) {
      assert.notEqual(before.get(file), size, file)
      expected.set(file, size)
    }
    assert.notDeepEqual(expected, before, `${name} has something to do`)
    const version = await importWith([name])
    assert.deepEqual(await sizesOf(versions, version), expected, name)
    assert.deepEqual(version.cleanUp, [name], 'it is recorded with the version')
  }
  assert.ok(fs.existsSync(path.join(directory, 'etc/ssh/ssh_host_ed25519_key')))
})

test('all operations together leave what none of them means, and say what they did', async (t) => {
  const versions = await smallVersions(t)
  const { repository, signingKey } = versions
  const notices: ImportNotice[] = []
  const version = await importDirectory(repository, await source(versions), {
    ...{ image: 'cleaned', signingKey, cleanUp: cleanUpNames },
    onNotice: (notice) => notices.push(notice),
  })
  const left = [...(await sizesOf(versions, version)).keys()]
  const stays = Object.values(things).flatMap((thing) => thing.stays)
  const changed = Object.values(changes).flatMap((change) => Object.keys(change))
  assert.deepEqual(left.sort(), [...new Set([...stays, ...changed])].sort())
  assert.deepEqual(
    notices.map(({ where }) => where),
    cleanUpNames.map((name) => `clean-up ${name}`),
  )
})

const metadata = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanoseconds: 0, xattrs: [] }

test('cleanUp() follows no link of the tree, and another name of a file keeps its content', async () => {
  const builder = new TreeBuilder()
  builder.addMember('tmp', { ...metadata, type: 'symlink', target: 'etc' })
  builder.addMember('etc/fstab', { ...metadata, type: 'file', content: undefined })
  const id = { ...metadata, type: 'file' as const, content: textContent('0123') }
  builder.addMember('etc/machine-id', id)
  builder.addMember('srv/kept-id', id)
  assert.deepEqual(await cleanUp(builder.root, ['tmp-files', 'machine-id']), [
    { operation: 'machine-id', removed: [], changed: ['etc/machine-id'] },
  ])
  assert.ok(builder.findMember('etc/fstab'))
  assert.deepEqual(
    [builder.findMember('etc/machine-id'), builder.findMember('srv/kept-id')],
    [{ ...id, content: undefined }, id],
  )
})

test('cleanUp() changes lines of a file of any encoding, byte by byte', async () => {
  const builder = new TreeBuilder()
  const text = Buffer.concat([Buffer.from('NAME=b'), Buffer.from([0xfc]), Buffer.from('ro\nHWADDR=1\nlast')])
  builder.addMember(interfaceFile, { ...metadata, type: 'file', content: content(text) })
  await cleanUp(builder.root, ['net-hwaddr'])
  const after = builder.findMember(interfaceFile)
  assert.ok(after?.type === 'file' && after.content?.kind === 'small')
  const bytes = Buffer.alloc(after.content.sizeBytes)
  await after.content.read(bytes)
  assert.deepEqual(bytes, Buffer.concat([text.subarray(0, 10), Buffer.from('last')]))
})

test('parseCleanUp() takes names, all, and all but some', () => {
  assert.deepEqual(parseCleanUp('tmp-files, logfiles'), ['logfiles', 'tmp-files'])
  assert.deepEqual(parseCleanUp('all'), cleanUpNames)
  for (const text of ['all,-hostname', '-hostname']) {
    assert.deepEqual(
      parseCleanUp(text),
      cleanUpNames.filter((name) => name !== 'hostname'),
    )
  }
  assert.throws(() => parseCleanUp('logs'), DecodeError)
})

function textContent(text: string) {
  return content(Buffer.from(text))
}

function content(bytes: Buffer) {
  return { kind: 'small' as const, sizeBytes: bytes.length, read: async (target: Uint8Array) => target.set(bytes) }
}
