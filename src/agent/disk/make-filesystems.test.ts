import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { DiskPlan } from '../../core/disk-plan.ts'
import type { FilesystemType } from '../../core/layout.ts'
import { makeCommand, makeFilesystems } from './make-filesystems.ts'
import { Mounts } from './mounts.ts'

const uuids = () => {
  const values = ['11111111-2222-4333-8444-555555555555', '1a2b3c4d-0000-4000-8000-000000000000']
  return () => values.shift()!
}

/** Two loop devices, or undefined where this machine or user cannot make them (the test is skipped then). */
function loopDevices(t: TestContext): { root: string; esp: string; directory: string } | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'filesystems-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const device = (name: string, size: string): string => {
    const file = join(directory, name)
    execFileSync('truncate', ['-s', size, file])
    const loop = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8', stdio: 'pipe' }).trim()
    t.after(() => execFileSync('losetup', ['--detach', loop]))
    return loop
  }
  try {
    return { root: device('root', '512M'), esp: device('esp', '100M'), directory }
  } catch (error) {
    if (process.env.REQUIRE_INTEROP === '1') throw error
    t.skip('needs root and loop devices')
    return undefined
  }
}

const blkid = (device: string, tag: string) =>
  execFileSync('blkid', ['--probe', '--match-tag', tag, '--output', 'value', device], { encoding: 'utf8' }).trim()

const partition = {
  entry: 'new',
  content: 'made',
  typeGuid: '',
  guid: 'G',
  name: '',
  startBytes: 0,
  sizeBytes: 0,
} as const

function plan(type: FilesystemType): DiskPlan {
  const partitions = [
    { ...partition, number: 3, role: 'root' as const, filesystem: { type } },
    { ...partition, number: 2, role: 'esp' as const, filesystem: { type: 'vfat' as const } },
  ]
  return { table: 'new', diskGuid: '', sectorBytes: 512, partitions, untouched: [] }
}

for (const type of ['ext4', 'btrfs', 'xfs'] as const) {
  test(`makeFilesystems() makes ${type} and a FAT32 ESP with the identifiers it tells, and Mounts mounts it`, async (t) => {
    const devices = loopDevices(t)
    if (devices === undefined) return
    const { signal } = new AbortController()
    const places = new Map([
      [3, devices.root],
      [2, devices.esp],
    ])
    const options = { rendition: 'tree', newUuid: uuids(), scratchDirectory: '/nowhere', signal } as const
    const made = await makeFilesystems(plan(type), places, options)
    const { device, uuid, state } = made.root
    t.assert.deepEqual([device, uuid, state], [devices.root, '11111111-2222-4333-8444-555555555555', 'mounted'])
    t.assert.deepEqual([made.esp?.device, made.esp?.uuid, made.others], [devices.esp, '1A2B-3C4D', []])
    t.assert.deepEqual([blkid(devices.root, 'TYPE'), blkid(devices.root, 'UUID')], [type, made.root.uuid])
    t.assert.deepEqual([blkid(devices.esp, 'VERSION'), blkid(devices.esp, 'UUID')], ['FAT32', '1A2B-3C4D'])
    const directory = join(devices.directory, 'mounted')
    mkdirSync(directory)
    {
      await using mounts = new Mounts()
      await mounts.mount(devices.root, directory, ['-t', type, '-o', 'noatime'], signal)
      mkdirSync(join(directory, 'inner'))
      await mounts.mount('proc', join(directory, 'inner'), ['-t', 'proc'], signal)
      writeFileSync(join(directory, 'file'), 'x')
    }
    t.assert.throws(() => execFileSync('mountpoint', ['--quiet', directory]), 'everything is unmounted')
  })
}

test('makeCommand() leaves out what Debian 12’s GRUB cannot read', (t) => {
  t.assert.deepEqual(makeCommand('ext4', '/dev/vda3', 'U', 'root').slice(-3), [
    '-O',
    '^metadata_csum_seed,^orphan_file',
    '/dev/vda3',
  ])
  t.assert.equal(makeCommand('xfs', '/dev/vda3', 'U', 'root').includes('nrext64=0'), true)
})
