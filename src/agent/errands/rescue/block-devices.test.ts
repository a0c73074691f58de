import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BlockDevice, lockedOf, mountableOf, parseBlockDevices } from './block-devices.ts'

const device = (path: string, type: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  ...{ path, type: 'part', sizeBytes: 1000, isLeaf: true, signature: { type } },
  ...more,
})

test('parseBlockDevices() has a device of two parents once, and knows what is made of others', () => {
  const listed = (path: string, pkname: string | null, mountpoint: string | null = null) => ({
    ...{ path, type: 'disk', size: 10, mountpoints: [mountpoint], pkname },
  })
  const devices = parseBlockDevices([
    listed('/dev/sda', null),
    listed('/dev/md127', '/dev/sda', '/mnt/md127'),
    listed('/dev/sdb', null),
    listed('/dev/md127', '/dev/sdb', '/mnt/md127'),
  ])
  assert.deepEqual(
    devices.map(({ path, isLeaf, mountedAt }) => [path, isLeaf, mountedAt]),
    [
      ['/dev/sda', false, undefined],
      ['/dev/md127', true, '/mnt/md127'],
      ['/dev/sdb', false, undefined],
    ],
  )
})

test('mountableOf() leaves out swap, members of others and what it does not know', () => {
  const types = ['swap', 'LVM2_member', 'linux_raid_member', 'crypto_LUKS', 'zfs_member']
  assert.deepEqual(mountableOf(types.map((type, index) => device(`/dev/sda${index}`, type))), [])
})

test('mountableOf() has a btrfs of two disks once', () => {
  const signature = { type: 'btrfs', uuid: 'one', label: 'pool' }
  const found = mountableOf([device('/dev/sda', 'btrfs', { signature }), device('/dev/sdb', 'btrfs', { signature })])
  assert.deepEqual(found, [
    { device: '/dev/sda', type: 'btrfs', sizeBytes: 1000, directory: '/mnt/sda', label: 'pool' },
  ])
})

test('lockedOf() names what is encrypted and not opened', () => {
  const opened = { path: '/dev/sda2', type: 'part', sizeBytes: 1000, isLeaf: false }
  assert.deepEqual(lockedOf([device('/dev/sda1', 'crypto_LUKS'), opened]), ['/dev/sda1'])
})
