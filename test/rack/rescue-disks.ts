import assert from 'node:assert/strict'
import { join } from 'node:path'
import { bootwright } from '../../src/cli/rack/bootwright.ts'
import type { CaseFigures, RackCase } from '../../src/cli/rack/case.ts'
import { makeRawDisk } from '../../src/cli/rack/raw-disk.ts'
import type { RackSite } from '../../src/cli/rack/site.ts'
import { runProgram } from '../../src/programs/run-program.ts'

const wwn = '5000c50015ea71ad'
const commandTimeoutMs = 3 * 60_000
/** The rescue's name for the disk that the kernel calls sda and sdb. */
const joined = '/dev/mapper/mpath-sda'

export const rackCase: RackCase = {
  name: 'rescue-disks',
  describe:
    'a rescued machine has its disks together: one of two paths, with a filesystem and LVM on it, and a RAID 1 with a filesystem',
  set: 'long',
  run,
}

const makesDisks = [
  `printf 'label: gpt\\nsize=100MiB\\ntype=E6D6D379-F507-44C2-A23C-238F2A3DF928\\n' | sfdisk -q --no-reread ${joined}`,
  `kpartx -u ${joined}`,
  `mkfs.ext4 -q ${joined}1 && mount ${joined}1 /mnt && echo 'by two paths' > /mnt/letter && umount /mnt`,
  `pvcreate -q ${joined}2 && vgcreate -q things ${joined}2 && lvcreate -q -y -L 64M -n papers things`,
  "mkfs.ext4 -q /dev/things/papers && mount /dev/things/papers /mnt && echo 'on LVM' > /mnt/letter && umount /mnt",
  'mdadm --create --quiet /dev/md/twice --level 1 --raid-devices 2 --run --metadata 1.2 /dev/vda /dev/vdb',
  "mkfs.ext4 -q /dev/md/twice && mount /dev/md/twice /mnt && echo 'twice' > /mnt/letter && umount /mnt",
  'sync',
].join(' && ')

async function run(site: RackSite): Promise<CaseFigures> {
  const disks = await Promise.all([
    disk(site, 'shared', { bus: 'scsi', paths: { count: 2, wwn } }),
    disk(site, 'left', {}),
    disk(site, 'right', {}),
  ])
  const machine = await site.addMachine({ name: 'rescue-1', firmware: 'bios', memoryMiB: 1024, disks })
  const identity = join(site.rack.directory, 'identity')
  await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', identity])
  const command = async (...words: string[]) => {
    const { status, output } = await bootwright(site, words)
    assert.equal(status, 0, output)
    return output
  }
  const order = () => command('rescue', 'rescue-1', '--ssh-key', `${identity}.pub`, '--follow')
  const ssh = (line: string) => command('ssh', '--identity', identity, 'rescue-1', line)

  const first = order()
  await site.timeline.waitFor(({ kind }) => kind === 'errand', { timeoutMs: commandTimeoutMs, what: 'the order' })
  const secondsToAgent = await site.bootAgent(machine)
  assert.match(await first, /1 multipath disk/)
  await ssh(makesDisks)

  site.log('ordered again: the machine finds what was made')
  assert.match(await order(), /1 multipath disk, 1 array, 1 volume group, 3 filesystems/)
  await ssh('mount-all')
  assert.equal(await ssh('cat /mnt/*/letter | sort'), 'by two paths\non LVM\ntwice\n')
  assert.match(await ssh('pvs --noheadings --options pv_name 2>&1'), new RegExp(`^ *${joined}2 *\\n$`))
  assert.match(await ssh('cat /sys/block/md*/md/array_state'), /^(read-auto|readonly|clean)\n$/)

  site.log('one of the two paths is gone: what lies on the disk is still read')
  await ssh('echo offline > /sys/block/sda/device/state')
  await ssh('echo 3 > /proc/sys/vm/drop_caches')
  assert.equal(await ssh('cat /mnt/mpath-sda1/letter'), 'by two paths\n')
  assert.equal(await ssh('cat /mnt/things-papers/letter'), 'on LVM\n')
  await machine.powerOff()
  return { secondsToAgent, bytesFetched: 0, bytesWritten: 0, bytesReused: 0, steps: [] }
}

async function disk(site: RackSite, name: string, facts: { bus?: 'scsi'; paths?: { count: number; wwn: string } }) {
  const path = join(site.rack.directory, `${name}.raw`)
  await makeRawDisk(path, 512 * 1024 ** 2)
  return { path, format: 'raw' as const, serial: name.toUpperCase(), ...facts }
}
