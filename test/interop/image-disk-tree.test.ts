import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { test } from 'node:test'
import { type DiskTreeOptions, importDiskTree } from '../../src/image/import-disk-tree.ts'
import { makeNastyTree } from '../../src/image/nasty-tree.fixture.ts'
import { readTree } from '../../src/image/repository.ts'
import { type DiskFilesystem, makeDisk, type PartitionPlan } from './image/disk-maker.ts'
import { ImageSetting } from './image/image-setting.ts'
import { needs } from './image/needs.ts'

const required = {
  root: true,
  programs: ['sfdisk', 'blkid', 'qemu-img', 'mkfs.vfat', 'mkfs.xfs', 'mkfs.btrfs', 'mkfs.ext4'],
}

const importDisk = (setting: ImageSetting, name: string, options: Partial<DiskTreeOptions> = {}) =>
  importDiskTree(setting.repository, setting.path(name), { ...setting.options, ...options })

/** A system's root, small, with an fstab. */
function rootPlan(setting: ImageSetting, filesystem: DiskFilesystem, fstab: string, label = 'root'): PartitionPlan {
  const fill = (at: string) => {
    setting.run(`cd ${at} && mkdir -p etc usr/bin boot/hidden home && echo ${filesystem} > usr/bin/program`)
    fs.writeFileSync(setting.path(`${at}/etc/fstab`), fstab)
  }
  return { filesystem, sizeMiB: filesystem === 'xfs' ? 310 : 160, label, fill }
}

/** Some small kernels lack it; then an ext4 stands in. */
function hasVfat(): boolean {
  spawnSync('modprobe', ['vfat'])
  return /\bvfat$/m.test(fs.readFileSync('/proc/filesystems', 'utf8'))
}

const sumOf = (setting: ImageSetting, name: string) => setting.run(`sha256sum < ${name}`)

test('importDiskTree() puts the filesystems of a disk together as its fstab does, and changes nothing', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const esp = hasVfat() ? 'vfat' : 'ext4'
  const fstab = `LABEL=root / ext4 defaults 0 1
    PARTUUID=0FC63DAF-0000-4000-8000-000000000002 /boot ext4 defaults 0 2
    /dev/disk/by-label/ESP /boot/efi ${esp} umask=0077 0 1
    /dev/sda5 /srv/with\\040space xfs defaults 0 2
    UUID=2b8a5b05-0000-4000-8000-000000000000 /data ext4 nofail 0 2
    LABEL=swap none swap sw 0 0
    tmpfs /tmp tmpfs size=1G 0 0\n`
  const root = rootPlan(setting, 'ext4', fstab)
  const fillRoot = (at: string) => {
    makeNastyTree(setting.path(at), 41)
    root.fill!(at)
    setting.run(`mkdir -p '${at}/srv/with space'`)
  }
  makeDisk(setting, 'disk', [
    {
      filesystem: esp,
      sizeMiB: 40,
      label: 'ESP',
      fill: (at) => setting.run(`mkdir -p ${at}/EFI/BOOT && echo x > ${at}/EFI/BOOT/BOOTX64.EFI`),
    },
    {
      filesystem: 'ext4',
      sizeMiB: 40,
      label: 'boot',
      fill: (at) => setting.run(`mkdir ${at}/efi && ln -s vmlinuz-1 ${at}/vmlinuz && echo k > ${at}/vmlinuz-1`),
    },
    { ...root, fill: fillRoot },
    { filesystem: 'swap', sizeMiB: 20, label: 'swap' },
    {
      filesystem: 'xfs',
      sizeMiB: 310,
      label: 'srv',
      fill: (at) => setting.run(`echo served > ${at}/file; chown 7:8 ${at}; chmod 2770 ${at}`),
    },
  ])
  const before = sumOf(setting, 'disk')
  const version = await importDisk(setting, 'disk')
  assert.equal(sumOf(setting, 'disk'), before)
  setting.assertNothingStaged()
  setting.run('mkdir by-hand')
  setting.mount('-o loop,ro disk.3 by-hand', 'by-hand')
  setting.mount('-o loop,ro disk.2 by-hand/boot', 'by-hand/boot')
  const espOptions = esp === 'vfat' ? 'loop,ro,tz=UTC,umask=0022' : 'loop,ro'
  setting.mount(`-o ${espOptions} disk.1 by-hand/boot/efi`, 'by-hand/boot/efi')
  setting.mount("-o loop,ro disk.5 'by-hand/srv/with space'", "'by-hand/srv/with space'")
  await setting.assertSameVersion(version.id, await setting.idOfDirectory('by-hand'))
  const told = setting.notices.filter(({ reason }) => !reason.includes('socket'))
  assert.deepEqual(
    told.map(({ where }) => where),
    ['/data'],
  )
  assert.equal(version.source?.kind, 'disk')

  await t.test('in every format that qemu-img reads', async () => {
    for (const format of ['qcow2', 'vmdk', 'vdi']) {
      setting.run(`qemu-img convert -O ${format} disk disk.${format}`)
      await setting.assertSameVersion((await importDisk(setting, `disk.${format}`)).id, version.id)
      setting.run(`rm disk.${format}`)
    }
    setting.assertNothingStaged()
  })

  await t.test('also where the table is damaged and its copy at the end is not', async () => {
    setting.run('dd if=/dev/zero of=disk bs=512 seek=1 count=1 conv=notrunc status=none')
    await setting.assertSameVersion((await importDisk(setting, 'disk')).id, version.id)
  })
})

test('importDiskTree() finds the root among the subvolumes of a btrfs, in a logical partition of an MBR', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const fill = (at: string) => {
    setting.run(`cd ${at} && for name in @ @home @snapshots; do btrfs -q subvolume create $name; done`)
    rootPlan(setting, 'btrfs', 'LABEL=fs / btrfs subvol=@ 0 0\nLABEL=fs /home btrfs subvol=/@home 0 0\n').fill!(
      `${at}/@`,
    )
    setting.run(`cd ${at} && echo mine > @home/file && btrfs -q subvolume create @/nested && echo n > @/nested/file`)
  }
  const boot: PartitionPlan = { filesystem: 'ext4', sizeMiB: 20, label: 'boot' }
  const plans: PartitionPlan[] = [
    boot,
    { ...boot, label: 'a' },
    { filesystem: 'btrfs', sizeMiB: 200, label: 'fs', fill },
  ]
  makeDisk(setting, 'disk', plans, { label: 'dos' })
  const { id } = await importDisk(setting, 'disk')
  const paths = (await readTree(setting.repository, id)).entries.map((entry) => entry.path)
  for (const path of ['etc/fstab', 'usr/bin/program', 'home/file', 'nested/file']) assert.ok(paths.includes(path), path)
  assert.ok(!paths.some((path) => path.includes('@')))
  await setting.assertSameVersion((await importDisk(setting, 'disk', { subvolume: '@' })).id, id)
  assert.equal((await importDisk(setting, 'disk', { partition: 3 })).id === id, false) // the top level as it is
})

for (const filesystem of ['ext4', 'xfs', 'btrfs'] as const) {
  test(`importDiskTree() reads a disk with sectors of 4096 bytes, and one without a table (${filesystem})`, async (t) => {
    if (needs(t, required)) return
    const setting = await ImageSetting.open(t)
    const plan = rootPlan(setting, filesystem, '')
    makeDisk(setting, 'wide', [plan], { sectorBytes: 4096 })
    const wide = await importDisk(setting, 'wide')
    setting.assertNothingStaged()
    setting.run('cp --sparse=always wide.1 whole')
    await setting.assertSameVersion((await importDisk(setting, 'whole')).id, wide.id)
    assert.doesNotMatch(setting.run('losetup -a'), new RegExp(setting.directory))
    assert.deepEqual(setting.notices, [])
  })

  test(`importDiskTree() reads a filesystem that was not unmounted, and says so (${filesystem})`, async (t) => {
    if (needs(t, required)) return
    const setting = await ImageSetting.open(t)
    const live = setting.mountNew('live', filesystem)
    fs.mkdirSync(`${live}/etc`)
    fs.mkdirSync(`${live}/usr`)
    setting.run('sync -f live; echo late > live/etc/late; sync live/etc/late; cp --sparse=always live.img dead.img')
    setting.unmount('live')
    const before = sumOf(setting, 'dead.img')
    const { id } = await importDisk(setting, 'dead.img')
    assert.equal(sumOf(setting, 'dead.img'), before)
    assert.match(setting.notices[0]?.reason ?? '', /was not unmounted: its journal is replayed on a copy/)
    const paths = (await readTree(setting.repository, id)).entries.map((entry) => entry.path)
    assert.ok(paths.includes('etc/late'), `${paths}`)
    setting.assertNothingStaged()
  })
}

test('importDiskTree() says what a disk holds where it cannot choose', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const swap: PartitionPlan = { filesystem: 'swap', sizeMiB: 20, label: 'swap' }
  makeDisk(setting, 'two', [rootPlan(setting, 'ext4', '', 'a'), rootPlan(setting, 'ext4', '', 'b'), swap])
  const ambiguous =
    /more than one of its parts \(partition 1, ?partition 2\) looks like the root of a system; it holds partition 1 \(ext4\), partition 2 \(ext4\), partition 3 \(swap\); name the one/
  await setting.assertRefused(importDisk(setting, 'two'), ambiguous)
  assert.ok((await importDisk(setting, 'two', { partition: 2 })).entries > 3)
  const unreadable = /at partition 3: it is swap, which cannot be read as files/
  await setting.assertRefused(importDisk(setting, 'two', { partition: 3 }), unreadable)
  await setting.assertRefused(
    importDisk(setting, 'two', { partition: 9 }),
    /it has not a filesystem in partition 9; it holds/,
  )
  makeDisk(setting, 'none', [swap])
  await setting.assertRefused(importDisk(setting, 'none'), /none of its parts looks like the root/)
  setting.run('truncate -s 8M empty; qemu-img create -q -f qcow2 -F raw -b two backed.qcow2')
  await setting.assertRefused(importDisk(setting, 'empty'), /it holds no partition table and no filesystem/)
  await setting.assertRefused(importDisk(setting, 'backed.qcow2'), /it needs another file \(two\)/)
})

test('importDiskTree() is not led out of the disk by its symlinks', async (t) => {
  if (needs(t, required)) return
  const setting = await ImageSetting.open(t)
  const boot: PartitionPlan = { filesystem: 'ext4', sizeMiB: 20, label: 'boot' }
  const hostile = (script: string, fstab: string): PartitionPlan => {
    const plan = rootPlan(setting, 'ext4', fstab)
    const fill = (at: string) => {
      plan.fill!(at)
      setting.run(`cd ${at} && ${script}`)
    }
    return { ...plan, fill }
  }
  makeDisk(setting, 'mount', [hostile('rm -r boot && ln -s /etc boot', 'LABEL=boot /boot ext4 defaults 0 0\n'), boot])
  await setting.assertRefused(importDisk(setting, 'mount'), /at \/etc\/fstab, \/boot: .*symlink/)
  makeDisk(setting, 'climb', [hostile('true', 'LABEL=boot /../../boot ext4 defaults 0 0\n'), boot])
  await setting.assertRefused(importDisk(setting, 'climb'), /at \/etc\/fstab, \/\.\.\/\.\.\/boot: /)
  makeDisk(setting, 'fstab', [hostile('ln -sf /etc/fstab etc/fstab', ''), boot])
  assert.ok((await importDisk(setting, 'fstab')).entries > 3)
})
