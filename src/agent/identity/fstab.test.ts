import { test } from 'node:test'
import { renderFstab } from './fstab.ts'

const filesystems = {
  root: { device: '/dev/vda3', type: 'ext4', uuid: '11111111-2222-4333-8444-555555555555' },
  esp: { device: '/dev/vda2', uuid: '1A2B-3C4D' },
} as const

test('renderFstab() names root and ESP by UUID under UEFI', (t) => {
  t.assert.equal(
    renderFstab(filesystems, 'uefi', undefined),
    `# Written by Bootwright when it deployed this machine.
UUID=11111111-2222-4333-8444-555555555555 / ext4 errors=remount-ro 0 1
UUID=1A2B-3C4D /boot/efi vfat umask=0077,nofail 0 1
`,
  )
})

test('renderFstab() leaves the ESP out under BIOS and has no check for btrfs', (t) => {
  const btrfs = { ...filesystems, root: { ...filesystems.root, type: 'btrfs' as const } }
  t.assert.equal(
    renderFstab(btrfs, 'bios', undefined),
    `# Written by Bootwright when it deployed this machine.
UUID=11111111-2222-4333-8444-555555555555 / btrfs defaults 0 0
`,
  )
})

test('renderFstab() keeps what needs no disk and only tells of other disks', (t) => {
  const image = `# UNCONFIGURED FSTAB FOR BASE SYSTEM
UUID=aaaa / ext4 defaults 0 1
LABEL=data /srv ext4 defaults 0 2
/dev/sda5 none swap sw 0 0
tmpfs   /tmp  tmpfs size=1g 0 0
10.0.0.5:/home /home nfs defaults 0 0`
  t.assert.equal(
    renderFstab(filesystems, 'bios', image),
    `# Written by Bootwright when it deployed this machine.
UUID=11111111-2222-4333-8444-555555555555 / ext4 errors=remount-ro 0 1
# not a disk of this machine: LABEL=data /srv ext4 defaults 0 2
tmpfs   /tmp  tmpfs size=1g 0 0
10.0.0.5:/home /home nfs defaults 0 0
`,
  )
})
