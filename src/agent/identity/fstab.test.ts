import { test } from 'node:test'
import { renderFstab } from './fstab.ts'

const filesystems = {
  root: { type: 'ext4', uuid: '11111111-2222-4333-8444-555555555555' },
  esp: { uuid: '1A2B-3C4D' },
  others: [],
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

test('renderFstab() mounts data and swap of the layout, and drops what the image had at those places', (t) => {
  const home = { role: 'data', device: '/dev/vda4', uuid: 'aaaa', mount: '/home', content: 'kept' } as const
  const others = [
    { ...home, type: 'ext4' },
    { role: 'swap', device: '/dev/vda5', uuid: 'bbbb' },
    { ...home, type: 'btrfs', mount: '/srv', subvolume: '@srv' },
  ] as const
  const root = { type: 'btrfs', uuid: 'cccc', subvolume: '@' } as const
  t.assert.equal(
    renderFstab({ root, others }, 'bios', '10.0.0.5:/home /home nfs defaults 0 0\n'),
    `# Written by Bootwright when it deployed this machine.
UUID=cccc / btrfs defaults,subvol=@ 0 0
UUID=aaaa /home ext4 defaults 0 2
UUID=bbbb none swap sw 0 0
UUID=aaaa /srv btrfs defaults,subvol=@srv 0 0
`,
  )
})
